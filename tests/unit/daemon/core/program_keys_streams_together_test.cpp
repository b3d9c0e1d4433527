// The keys of a program's output and input together.
#include "daemon/core/program_keys.h"
#include "tests/support/catch.h"
#include "tests/support/parsed_program.h"

using namespace procctl;
using namespace procctl::test;

namespace {

using key_and_value = std::pair<std::string, std::string>;

// "log.x" is the key x in the map of log.
texts problems_of(const std::vector<key_and_value>& given)
{
    std::vector<std::pair<std::string, config_value>> keys{{"exec_start", text("/bin/x")}};
    std::vector<std::pair<std::string, config_value>> log;
    for (const auto& [key, value] : given)
        (key.starts_with("log.") ? log : keys)
            .emplace_back(key.starts_with("log.") ? key.substr(4) : key, text(value));
    if (!log.empty()) keys.emplace_back("log", map(std::move(log)));
    return parse(map(std::move(keys))).problems;
}

} // namespace

TEST_CASE("keys of output and input that contradict each other are errors", "[program_keys][streams]")
{
    const auto [given, expected] = GENERATE(table<std::vector<key_and_value>, const char*>({
        {{{"standard_error", "journal"}, {"log.stderr_path", "/x"}},
         "error: log.stderr_path is for 'standard_error: log', this is 'journal'"},
        {{{"standard_error", "inherit"}, {"log.stderr_path", "/x"}}, "this is 'inherit'"},
        {{{"log.max_size", "2M"}, {"log.max_total_size", "1M"}},
         "error: log.max_total_size: 1M for all files is less than max_size, 2M"},
        {{{"log.max_size", "infinity"}, {"log.max_total_size", "1M"}}, "is less than max_size, infinity"},
        {{{"standard_input", "data"}}, "error: standard_input: 'data' is what standard_input_text or"},
        {{{"standard_input", "null"}, {"standard_input_text", "x"}},
         "error: standard_input_text is for 'standard_input: data', this is 'null'"},
        {{{"standard_input", "file:/x"}, {"standard_input_data", "Zg=="}},
         "error: standard_input_data is for 'standard_input: data', this is 'file'"},
        {{{"instances", "2"}, {"standard_output", "truncate:/tmp/x"}},
         "error: standard_output: '/tmp/x' is the file of all instances, and each empties it"},
        {{{"standard_output", "append:/x"}, {"standard_error", "truncate:/x"}},
         "error: standard_error: '/x' is opened for standard_output as well, in another way"},
    }));
    const texts problems = problems_of(given);
    CHECK(problems.size() == 1);
    CHECK(mentions(problems, expected));
}

TEST_CASE("keys of output that have no effect are warned of", "[program_keys][streams]")
{
    const auto [given, expected] = GENERATE(table<std::vector<key_and_value>, const char*>({
        {{{"standard_output", "journal"}, {"log.path", "/x"}},
         "log.path has no effect: neither standard_output nor standard_error is log"},
        {{{"standard_output", "journal"}, {"log.stderr_path", "/x"}, {"log.path", "/y"}},
         "log.path has no effect: standard_output is 'journal' and standard_error has log.stderr_path"},
        {{{"log.path", "/dev/stdout"}, {"log.max_size", "1M"}},
         "log.max_size has no effect: '/dev/stdout' is no regular file"},
        {{{"log.keep", "0"}, {"log.compress", "gzip"}}, "log.compress has no effect with 'keep: 0'"},
        {{{"log.format", "json"}, {"log.timestamps", "iso"}}, "log.timestamps: 'iso' has no effect"},
        {{{"standard_output", "inherit"}}, "'inherit' is a duplicate of standard input, which is 'null'"},
        {{{"standard_output", "null"}, {"on_log_error", "drop"}}, "on_log_error has no effect"},
        {{{"syslog_level", "err"}}, "syslog_level has no effect: no output goes to journal or syslog"},
        {{{"instances", "2"}, {"standard_output", "file:/tmp/x"}}, "each writes it from its beginning"},
        {{{"instances", "2"}, {"log.path", "/tmp/x"}}, "log.path: all instances write to the same file"},
        {{{"instances", "2"}, {"log.stderr_path", "/tmp/x"}}, "log.stderr_path: all instances write"},
    }));
    const texts problems = problems_of(given);
    CHECK(problems.size() == 1);
    CHECK(mentions(problems, "warning: "));
    CHECK(mentions(problems, expected));
}

TEST_CASE("keys of output and input that go together", "[program_keys][streams]")
{
    const auto given = GENERATE(values<std::vector<key_and_value>>({
        {{"standard_output", "journal"}, {"log.tail_size", "1K"}, {"syslog_level", "err"}},
        {{"standard_output", "journal"}, {"log.stderr_path", "/x"}, {"log.keep", "1"}},
        {{"standard_output", "null"}, {"standard_error", "log"}, {"log.path", "/x"}},
        {{"standard_output", "append:/x"}, {"standard_error", "append:/x"}},
        {{"instances", "2"}, {"standard_output", "truncate:/tmp/%i"}},
        {{"instances", "2"}, {"standard_output", "append:/tmp/x"}},
        {{"instances", "2"}, {"log.path", "/dev/stdout"}},
        {{"standard_input", "file:/dev/tty1"}, {"standard_output", "inherit"}},
        {{"standard_input", "data"}, {"standard_input_text", "x"}},
        {{"log.format", "json"}, {"log.timestamps", "local"}},
    }));
    CHECK(problems_of(given) == texts{});
}

TEST_CASE("a mistake in the log is reported at its key", "[program_keys][streams]")
{
    const texts problems = problems_of({{"log.path", "/x"}, {"log.max_total_size", "1M"}});
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].starts_with("f:2:5: error: log.max_total_size: ")); // line 2 within its map
}
