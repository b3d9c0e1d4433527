#include "daemon/config/program_file.h"
#include "daemon/config/yaml_loader.h"
#include "tests/support/catch.h"

#include <algorithm>

using namespace procctl;
using namespace std::chrono_literals;

namespace {

struct outcome {
    std::vector<file_program> programs;
    std::vector<std::string> problems;
};

outcome parse(const std::string& text)
{
    diagnostics out;
    outcome result;
    if (const auto tree = load_yaml(text, "f", out)) result.programs = parse_program_file(*tree, "f", out);
    for (const diagnostic& d : out)
        result.problems.push_back(d.text());
    return result;
}

const program_config& config(const outcome& o, std::size_t n) { return o.programs.at(n).program.config; }

} // namespace

TEST_CASE("programs of a file, and where they stand", "[program_file]")
{
    const outcome o = parse("programs:\n"
                            "  web:\n"
                            "    exec_start: /bin/web\n"
                            "    user: www\n"
                            "  worker: {exec_start: [/bin/worker, -x], instances: 2}\n");
    CHECK(o.problems.empty());
    REQUIRE(o.programs.size() == 2);
    CHECK(config(o, 0).name == "web");
    CHECK(o.programs[0].program.where == source_position{"f", 2, 3});
    CHECK(o.programs[0].user == source_position{"f", 4, 11});
    CHECK(o.programs[0].group == source_position{"f", 2, 3});
    CHECK(config(o, 1).exec_start.at(0).argv == std::vector<std::string>{"/bin/worker", "-x"});
    CHECK(config(o, 1).instances == 2);
}

TEST_CASE("a file without programs is no mistake", "[program_file]")
{
    for (const char* text : {"programs:", "programs: {}", "defaults: {restart_sec: 1s}"}) {
        CAPTURE(text);
        CHECK(parse(text).problems.empty());
        CHECK(parse(text).programs.empty());
    }
}

TEST_CASE("an empty file is a warning: perhaps it is being written", "[program_file]")
{
    for (const char* text : {"", "\n\n", "# nothing\n", "---\n"}) {
        CAPTURE(text);
        CHECK(parse(text).problems ==
              std::vector<std::string>{"f: warning: the file is empty: it defines no program"});
    }
}

TEST_CASE("defaults are laid under every program", "[program_file]")
{
    const outcome o =
        parse("defaults:\n"
              "  restart_sec: 5s\n"
              "  timeout_stop_sec: 1s\n"
              "  environment: {A: 1, B: 2}\n"
              "  tags: [x]\n"
              "programs:\n"
              "  a: {exec_start: /bin/a}\n"
              "  b: {exec_start: /bin/b, restart_sec: 7s, environment: {B: 3, C: 4}, tags: [y]}\n"
              "  c: {exec_start: /bin/c, timeout_sec: 9s, environment: , tags: }\n");
    CHECK(o.problems == std::vector<std::string>{});
    REQUIRE(o.programs.size() == 3);
    using variables = std::vector<std::pair<std::string, std::string>>;
    CHECK(config(o, 0).restart_sec == 5s);
    CHECK(config(o, 0).environment == variables{{"A", "1"}, {"B", "2"}});
    CHECK(config(o, 1).restart_sec == 7s);
    CHECK(config(o, 1).environment == variables{{"A", "1"}, {"B", "3"}, {"C", "4"}});
    CHECK(config(o, 1).tags == std::vector<std::string>{"y"}); // replaced, not added to
    CHECK(config(o, 2).timeout_stop == 9s);                    // the program's counts as the later one
    CHECK(config(o, 2).environment.empty());
    CHECK(config(o, 2).tags.empty());
}

TEST_CASE("environments in two forms are put together only when it is clear how", "[program_file]")
{
    const outcome lists = parse("defaults: {environment: [A=1, B=2]}\n"
                                "programs: {a: {exec_start: /bin/a, environment: [B=3]}}\n");
    CHECK(lists.problems.empty());
    CHECK(config(lists, 0).environment.size() == 2);
    const outcome texts = parse("defaults: {environment: A=1 'B=2 x'}\n"
                                "programs:\n"
                                "  a: {exec_start: /bin/a, environment: B=3 C=4}\n"
                                "  b: {exec_start: /bin/b, environment: ''}\n");
    CHECK(texts.problems.empty());
    using variables = std::vector<std::pair<std::string, std::string>>;
    CHECK(config(texts, 0).environment == variables{{"A", "1"}, {"B", "3"}, {"C", "4"}});
    CHECK(config(texts, 1).environment.empty());
    const outcome mixed = parse("defaults: {environment: {A: 1}}\n"
                                "programs: {a: {exec_start: /bin/a, environment: [B=3]}}\n");
    REQUIRE(mixed.problems.size() == 1);
    CHECK(mixed.problems[0].starts_with(
        "f:2:49: error: environment: 'defaults' has it in another form (line 1)"));
}

TEST_CASE("a mistake in defaults is reported once, and also without programs", "[program_file]")
{
    const std::string defaults = "defaults: {restart_sec: 5x, nonsense: 1, type: oneshot, restart: always}\n";
    const outcome with = parse(defaults + "programs: {a: {exec_start: /bin/a}, b: {exec_start: /bin/b}}");
    CHECK(with.problems.size() == 3);
    const outcome without = parse(defaults);
    CHECK(without.problems.size() == 2); // the contradiction is one of a program
}

TEST_CASE("mistakes of a file are explained", "[program_file]")
{
    const auto [text, expected] = GENERATE(table<const char*, const char*>({
        {"program: {}", "f:1:1: error: unknown key 'program': did you mean 'programs'?"},
        {"Programs: {}", "f:1:1: error: unknown key 'Programs': did you mean 'programs'?"},
        {"web: {exec_start: /bin/x}",
         "f:1:1: error: unknown key 'web': a program stands under 'programs:', indented"},
        {"log_dir: /x", "f:1:1: error: unknown key 'log_dir': this is a key of the daemon's settings file"},
        {"exec_start: /x", "f:1:1: error: unknown key 'exec_start': a program's keys stand under its name"},
        {"x: 1", "f:1:1: error: unknown key 'x'; allowed are programs and defaults"},
        {"[Unit]", "f:1:1: error: expected a map with the key 'programs', found a list"},
        {"hello", "f:1:1: error: expected a map with the key 'programs', found 'hello'"},
        {"programs: [web]", "f:1:11: error: programs: expected a map of programs by name"},
        {"programs: web", "f:1:11: error: programs: expected a map of programs by name"},
        {"defaults: [web]", "f:1:11: error: defaults: expected a map of a program's keys"},
        {"programs:\n  web:\n", "f:2:3: error: the program 'web' has no 'exec_start'"},
        {"programs:\n  web: {user: x}\n", "f:2:3: error: the program 'web' has no 'exec_start'"},
        {"programs:\n  web: /bin/x\n",
         "f:2:8: error: expected a map of keys for the program 'web', found '/bin/x'"},
        {"programs:\n  a/b: {exec_start: /x}", "f:2:3: error: invalid name 'a/b'"},
        {"programs:\n  all: {exec_start: /x}", "f:2:3: error: invalid name 'all'"},
        {"programs:\n  w@1: {exec_start: /x}",
         "f:2:3: error: invalid name 'w@1': '@' only separates the instance"},
        {"programs:\n  w: {exec_start: /x, stopwaitsecs: 3}",
         "f:2:23: error: unknown key 'stopwaitsecs': did you mean 'timeout_stop_sec'?"},
    }));
    CAPTURE(text);
    const outcome o = parse(text);
    REQUIRE(o.problems.size() == 1);
    CAPTURE(o.problems[0]);
    CHECK(o.problems[0].starts_with(expected));
}

TEST_CASE("defaults that are too large for their programs are refused", "[program_file]")
{
    std::string text = "defaults: {environment: {";
    for (int n = 0; n < 2000; ++n)
        text += (n == 0 ? "V" : ", V") + std::to_string(n) + ": x";
    text += "}}\nprograms:\n";
    for (int n = 0; n < 2000; ++n)
        text += "  p" + std::to_string(n) + ": {exec_start: /x}\n";
    const outcome o = parse(text);
    REQUIRE(o.problems.size() == 1);
    CHECK(o.problems[0] == "f:1:11: error: defaults: too large for so many programs");
}

TEST_CASE("the places where other programs are named", "[program_file]")
{
    const outcome o = parse("defaults:\n"
                            "  on_failure: alert page@2\n"
                            "programs:\n"
                            "  web: {exec_start: /x}\n"
                            "  job:\n"
                            "    exec_start: /x\n"
                            "    on_failure: [web,\n"
                            "      alert]\n"
                            "    on_success: web\n");
    REQUIRE(o.problems.empty());
    REQUIRE(o.programs.size() == 2);
    const auto told = [](const file_program& p) {
        std::string text;
        for (const program_mention& m : p.mentions)
            text += std::string(m.key) + ' ' + m.name + ' ' + std::to_string(m.where.line) + ':' +
                    std::to_string(m.where.column) + '\n';
        return text;
    };
    CHECK(told(o.programs[0]) == "on_failure alert 2:15\non_failure page@2 2:15\n");
    CHECK(told(o.programs[1]) == "on_failure web 7:18\non_failure alert 8:7\non_success web 9:17\n");
}
