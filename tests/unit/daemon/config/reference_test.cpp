// The files that are made from the table of keys. `UPDATE_GOLDEN=1` writes them anew; people read the diff.
#include "daemon/config/program_file.h"
#include "daemon/config/reference.h"
#include "daemon/config/yaml_loader.h"
#include "tests/support/catch.h"

#include <fstream>
#include <sstream>

#include <stdlib.h>

using namespace procctl;

namespace {

const std::string source = PROCCTL_SOURCE_DIR "/";

std::string read(const std::string& path)
{
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

void check_golden(const std::string& path, const std::string& expected)
{
    CAPTURE(path);
    if (::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(path) << expected;
    CHECK(read(path) == expected);
}

} // namespace

TEST_CASE("the reference in the docs is that of the table", "[reference]")
{
    const std::string path = source + "docs/configuration.md";
    const std::string text = read(path);
    const std::string begin = "<!-- keys: made from the table of keys, by UPDATE_GOLDEN=1 -->\n";
    const auto from = text.find(begin);
    const auto to = text.find("<!-- end of keys -->");
    REQUIRE(from != std::string::npos);
    REQUIRE(to != std::string::npos);
    check_golden(path,
                 text.substr(0, from + begin.size()) + '\n' + reference_markdown() + '\n' + text.substr(to));
}

TEST_CASE("the schema for editors is that of the table", "[reference]")
{
    check_golden(source + "packaging/procctl.schema.json", json_schema());
}

TEST_CASE("every mistake is told as people will read it", "[reference]")
{
    const std::string yaml = read(source + "tests/golden/config-mistakes.yaml");
    REQUIRE_FALSE(yaml.empty());
    diagnostics problems;
    const auto tree = load_yaml(yaml, "config-mistakes.yaml", problems);
    REQUIRE(tree);
    (void)parse_program_file(*tree, "config-mistakes.yaml", problems);
    std::string text;
    for (const diagnostic& d : problems)
        text += d.text() + '\n';
    check_golden(source + "tests/golden/config-mistakes.txt", text);
}

TEST_CASE("the examples in the docs are right", "[reference]")
{
    const std::string text = read(source + "docs/configuration.md");
    const std::string fence = "```yaml\n";
    int examples = 0;
    for (auto at = text.find(fence); at != std::string::npos; at = text.find(fence, at)) {
        at += fence.size();
        const std::string example = text.substr(at, text.find("```", at) - at);
        CAPTURE(example);
        diagnostics problems;
        const auto tree = load_yaml(example, "example", problems);
        if (tree && tree->find("programs") != nullptr)
            CHECK_FALSE(parse_program_file(*tree, "example", problems).empty());
        for (const diagnostic& d : problems)
            CHECK(d.text().empty());
        ++examples;
    }
    CHECK(examples >= 3);
}
