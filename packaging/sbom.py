#!/usr/bin/env python3
"""sbom.py NAME VERSION TIME ARCHIVE [PACKAGE...]: an SPDX 2.3 document about a release, as JSON.

TIME: of the sources, in seconds since 1970: the same sources give the same document. ARCHIVE: the
source archive. PACKAGE: other files of the release. What is in the programs beside the sources comes
from Debian packages of this machine, whose versions dpkg knows.
"""
import datetime
import hashlib
import json
import os
import subprocess
import sys

# Debian package, licence, how it gets in.
PARTS = [
    ("libc6-dev", "LGPL-2.1-or-later", "STATIC_LINK"),
    ("libstdc++-{gcc}-dev", "GPL-3.0-or-later WITH GCC-exception-3.1", "STATIC_LINK"),
    ("nlohmann-json3-dev", "MIT", "STATIC_LINK"),
    ("libcli11-dev", "BSD-3-Clause", "STATIC_LINK"),
    ("libspdlog-dev", "MIT", "STATIC_LINK"),
    ("libfmt-dev", "MIT", "STATIC_LINK"),
    ("libprotobuf-dev", "BSD-3-Clause", "STATIC_LINK"),
    ("liblxc1", "LGPL-2.1-or-later", "DYNAMIC_LINK"),
    ("libsystemd0", "LGPL-2.1-or-later", "DYNAMIC_LINK"),
    ("libseccomp-dev", "LGPL-2.1-only", "BUILD_TOOL_OF"),
]


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def version_of(package):
    try:
        return output("dpkg-query", "-W", "-f=${Version}", package).split("\n")[0]
    except subprocess.CalledProcessError:
        return None


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def package(identifier, name, version, licence, **more):
    return {
        "SPDXID": f"SPDXRef-{identifier}",
        "name": name,
        "versionInfo": version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": licence,
        "licenseDeclared": licence,
        "copyrightText": "NOASSERTION",
        **more,
    }


def relation(subject, kind, other):
    return {
        "spdxElementId": f"SPDXRef-{subject}",
        "relationshipType": kind,
        "relatedSpdxElement": f"SPDXRef-{other}",
    }


def main(name, version, time, archive, *files):
    licence = "LGPL-2.1-or-later"
    packages = [
        package("source", name, version, licence, packageFileName=os.path.basename(archive),
                checksums=[{"algorithm": "SHA256", "checksumValue": sha256(archive)}])
    ]
    relations = [relation("DOCUMENT", "DESCRIBES", "source")]
    for number, path in enumerate(files):
        identifier = f"package-{number}"
        packages.append(
            package(identifier, name, version, licence, packageFileName=os.path.basename(path),
                    checksums=[{"algorithm": "SHA256", "checksumValue": sha256(path)}]))
        relations.append(relation("DOCUMENT", "DESCRIBES", identifier))
        relations.append(relation(identifier, "GENERATED_FROM", "source"))
    gcc = output("c++", "-dumpversion").split(".")[0]
    for part, part_licence, kind in PARTS:
        part = part.format(gcc=gcc)
        if version_of(part) is None and version_of(part + "t64") is not None:
            part += "t64"
        part_version = version_of(part)
        if part_version is None:
            sys.exit(f"sbom.py: the package {part} is not installed")
        identifier = part.replace("+", "p")
        source = output("dpkg-query", "-W", "-f=${source:Package}\n", part).split("\n")[0]
        reference = {
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": f"pkg:deb/debian/{source}@{part_version}",
        }
        packages.append(package(identifier, part, part_version, part_licence,
                                externalRefs=[reference]))
        if kind == "BUILD_TOOL_OF":
            relations.append(relation(identifier, kind, "source"))
        else:
            relations.append(relation("source", kind, identifier))
    created = datetime.datetime.fromtimestamp(int(time), datetime.timezone.utc)
    json.dump(
        {
            "spdxVersion": "SPDX-2.3",
            "dataLicense": "CC0-1.0",
            "SPDXID": "SPDXRef-DOCUMENT",
            "name": f"{name}-{version}",
            "documentNamespace": f"urn:{name}:{version}:{sha256(archive)}",
            "creationInfo": {
                "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "creators": [f"Tool: {name}-sbom"],
            },
            "packages": packages,
            "relationships": relations,
        },
        sys.stdout, indent=2)
    print()


if len(sys.argv) < 5:
    sys.exit(__doc__)
main(*sys.argv[1:])
