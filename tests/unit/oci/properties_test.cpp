// The table of properties against the schema of the specification: tests/specs/schema.

#include "oci/properties.h"

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/strings.h"
#include "minimal_config.h"
#include "oci/parse.h"
#include "support/catch.h"

using namespace lxcri::oci;
using nlohmann::json;

namespace {

// Collects the path of every property that the schema describes.
class SchemaWalk {
  public:
    std::set<std::string> paths;

    void walk_file(const std::string& name) { walk(load(name), name, ""); }

  private:
    const json& load(const std::string& name) {
        auto& schema = files_[name];
        if (schema.is_null()) {
            std::ifstream file(LXCRI_TEST_DATA "/specs/schema/" + name);
            REQUIRE(file);
            schema = json::parse(file);
        }
        return schema;
    }

    static bool is_other_platform(const std::string& path) {
        static const std::set<std::string> kSections{"/solaris", "/windows", "/vm", "/zos",
                                                     "/freebsd"};
        return kSections.contains(path);
    }

    void walk(const json& schema, const std::string& file, const std::string& path) {
        if (is_other_platform(path)) return;
        if (schema.contains("$ref")) {
            const auto reference = schema["$ref"].get<std::string>();
            const auto hash = reference.find('#');
            const auto target = hash == 0 ? file : reference.substr(0, hash);
            walk(load(target).at(json::json_pointer(reference.substr(hash + 1))), target, path);
        }
        for (const auto* alternatives : {"allOf", "anyOf"}) {
            if (!schema.contains(alternatives)) continue;
            for (const auto& part : schema[alternatives]) walk(part, file, path);
        }
        if (schema.contains("properties")) {
            for (const auto& [name, property] : schema["properties"].items()) {
                const auto member = lxcri::concat(path, "/", name);
                paths.insert(member);
                walk(property, file, member);
            }
        }
        if (schema.contains("items")) walk(schema["items"], file, path + "/*");
        if (schema.contains("additionalProperties")) {
            walk(schema["additionalProperties"], file, path + "/*");
        }
        if (schema.contains("patternProperties")) paths.insert(path + "/*");
    }

    std::map<std::string, json> files_;
};

}  // namespace

TEST_CASE("the table has a row for every property of the schema, and no other") {
    SchemaWalk schema;
    schema.walk_file("config-schema.json");
    REQUIRE(schema.paths.size() > 150);
    std::set<std::string> rows;
    for (const auto& property : properties()) {
        INFO(property.path);
        CHECK(rows.insert(std::string(property.path)).second);
        CHECK(schema.paths.contains(std::string(property.path)));
    }
    for (const auto& path : schema.paths) {
        INFO(path);
        CHECK(rows.contains(path));
    }
}

TEST_CASE("every row says who applies it, why not, or which row does") {
    std::map<std::string_view, Treatment> rows;
    for (const auto& property : properties()) {
        INFO(property.path);
        const bool needs_text =
            property.treatment == Treatment::applied || property.treatment == Treatment::ignored;
        CHECK(property.by.empty() != needs_text);
        if (property.treatment == Treatment::parent) {
            // Its object or list stands before it.
            auto parent = property.path.substr(0, property.path.rfind('/'));
            if (parent.ends_with("/*")) parent.remove_suffix(2);
            CHECK(rows.contains(parent));
        }
        rows[property.path] = property.treatment;
    }
}

TEST_CASE("no property of the table is unknown, whatever its value means") {
    for (const auto* value : {"null", "false", "0", "\"\"", "[]", "{}"}) {
        for (const auto& property : properties()) {
            if (property.path.find('*') != std::string_view::npos) continue;
            json document = json::object();
            document[json::json_pointer(std::string(property.path))] = json::parse(value);
            const auto text = document.dump();
            INFO(text);
            const JsonDocument parsed(text);
            CHECK(find_unknown(parsed.root(), "").empty());
        }
    }
}
