// make_syscall_table FILE: writes what libseccomp knows about system calls, as C++ that
// syscalls.cpp includes. Runs once, when lxcri is built.

#include <seccomp.h>

#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "oci/seccomp.h"

namespace {

using lxcri::oci::kSeccompArchs;

// libseccomp's private numbers for what socketcall(2) and ipc(2) multiplex: -100 or -200 minus the
// number of the call.
constexpr int kLastSocketCall = -120;
constexpr int kFirstSocketCall = -101;
constexpr int kLastIpcCall = -224;
constexpr int kFirstIpcCall = -201;

bool is_multiplexed(int number) {
    return (number >= kLastSocketCall && number <= kFirstSocketCall) ||
           (number >= kLastIpcCall && number <= kFirstIpcCall);
}

// System calls younger than libseccomp 2.5.4. Since Linux 5.1 a new one gets the same number on
// each architecture, counted from where the architecture begins.
struct Young {
    const char* name;
    int number;
};

constexpr Young kYoung[] = {
    {"cachestat", 451},         {"fchmodat2", 452},        {"map_shadow_stack", 453},
    {"futex_wake", 454},        {"futex_wait", 455},       {"futex_requeue", 456},
    {"statmount", 457},         {"listmount", 458},        {"lsm_get_self_attr", 459},
    {"lsm_set_self_attr", 460}, {"lsm_list_modules", 461}, {"mseal", 462},
    {"setxattrat", 463},        {"getxattrat", 464},       {"listxattrat", 465},
    {"removexattrat", 466},     {"open_tree_attr", 467},   {"file_getattr", 468},
    {"file_setattr", 469},      {"listns", 470},           {"rseq_slice_yield", 471},
};

// The exceptions: uprobes of x86_64 (and so x32) only.
constexpr Young kYoungX86_64[] = {{"uretprobe", 335}, {"uprobe", 336}};

struct Arch {
    std::uint32_t token = 0;  // 0: unknown to this libseccomp
    int base = 0;             // the number of the first system call
    std::map<std::string, int> numbers;
};

std::string name_of(std::uint32_t token, int number) {
    const std::unique_ptr<char, decltype(&std::free)> name(
        seccomp_syscall_resolve_num_arch(token, number), std::free);
    return name ? name.get() : "";
}

// "SCMP_ARCH_X86_64" is "x86_64" to libseccomp.
std::uint32_t find_token(std::string_view constant) {
    constexpr std::string_view kPrefix = "SCMP_ARCH_";
    std::string name(constant.substr(kPrefix.size()));
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return seccomp_arch_resolve_name(name.c_str());
}

void scan(Arch& arch, int first, int count) {
    for (int number = first; number < first + count; ++number) {
        const std::string name = name_of(arch.token, number);
        if (name.empty()) continue;
        // What it finds by number is not always what it finds by name: numbers below the base.
        const int known = seccomp_syscall_resolve_name_arch(arch.token, name.c_str());
        if (known == number || is_multiplexed(known)) arch.numbers.emplace(name, number);
    }
}

Arch read_arch(std::string_view constant) {
    constexpr int kX32Bit = 0x40000000;
    constexpr int kArmPrivate = 0x0f0000;
    Arch arch;
    arch.token = find_token(constant);
    if (arch.token == 0) return arch;
    const int read_number = seccomp_syscall_resolve_name_arch(arch.token, "read");
    arch.base = constant == "SCMP_ARCH_X32" ? kX32Bit : read_number / 1000 * 1000;
    scan(arch, arch.base, 1000);
    if (constant == "SCMP_ARCH_ARM") scan(arch, kArmPrivate, 16);
    for (const Young& call : kYoung) arch.numbers.emplace(call.name, arch.base + call.number);
    if (constant == "SCMP_ARCH_X86_64" || constant == "SCMP_ARCH_X32") {
        for (const Young& call : kYoungX86_64) {
            arch.numbers.emplace(call.name, arch.base + call.number);
        }
    }
    return arch;
}

// socketcall: 1 to 20; ipc: 101 to 124; 0: neither.
int multiplexed_call(const std::string& name) {
    const int number = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86, name.c_str());
    return is_multiplexed(number) ? -number - 100 : 0;
}

void write_names(std::ostream& out, const std::vector<std::string>& names) {
    out << "constexpr std::array<std::string_view, " << names.size() << "> kNames{{\n";
    for (const std::string& name : names) out << "    \"" << name << "\",\n";
    out << "}};\n\n";
}

void write_multiplexed(std::ostream& out, const std::vector<std::string>& names) {
    for (const bool ipc : {false, true}) {
        out << "constexpr Multiplexed " << (ipc ? "kIpcCalls" : "kSocketCalls") << "[] = {\n";
        for (std::size_t i = 0; i < names.size(); ++i) {
            const int call = multiplexed_call(names[i]);
            if (call == 0 || (call > 100) != ipc) continue;
            out << "    {" << i << ", " << (ipc ? call - 100 : call) << "},  // " << names[i]
                << '\n';
        }
        out << "};\n\n";
    }
}

void write_arch(std::ostream& out, std::string_view constant, const Arch& arch,
                const std::vector<std::string>& names) {
    if (arch.token == 0) return;
    std::multimap<int, std::size_t> by_number;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto found = arch.numbers.find(names[i]);
        if (found != arch.numbers.end()) by_number.emplace(found->second, i);
    }
    out << "constexpr Numbered k" << constant << "[] = {\n";
    for (const auto& [number, name] : by_number) out << '{' << number << ',' << name << "},";
    out << "\n};\n\n";
}

void write_table(std::ostream& out, const std::vector<Arch>& archs) {
    std::set<std::string> all;
    for (const Arch& arch : archs) {
        for (const auto& [name, number] : arch.numbers) all.insert(name);
    }
    const std::vector<std::string> names(all.begin(), all.end());
    const auto* version = seccomp_version();
    out << "// Written by make_syscall_table from libseccomp " << version->major << '.'
        << version->minor << '.' << version->micro << ".\n\n";
    write_names(out, names);
    write_multiplexed(out, names);
    for (std::size_t i = 0; i < archs.size(); ++i) {
        write_arch(out, kSeccompArchs[i].name, archs[i], names);
    }
    out << "constexpr std::array<Arch, " << archs.size() << "> kArchs{{\n";
    for (std::size_t i = 0; i < archs.size(); ++i) {
        const auto name = kSeccompArchs[i].name;
        out << "    {" << archs[i].token << "U, ";
        if (archs[i].token != 0) {
            out << 'k' << name << "},\n";
        } else {
            out << "{}},  // " << name << '\n';
        }
    }
    out << "}};\n";
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: make_syscall_table FILE\n";
        return 2;
    }
    std::vector<Arch> archs;
    for (const auto& row : kSeccompArchs) archs.push_back(read_arch(row.name));
    std::ofstream out(argv[1]);
    write_table(out, archs);
    out.close();
    return out ? 0 : 1;
}
