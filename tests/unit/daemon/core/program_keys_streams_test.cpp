// The keys of a program's output and input, each alone; together: program_keys_streams_together_test.cpp.
#include "daemon/core/program_keys.h"
#include "tests/support/catch.h"
#include "tests/support/parsed_program.h"

using namespace procctl;
using namespace procctl::test;
using namespace std::chrono_literals;

namespace {

outcome parse_log(const std::string& key, const std::string& value)
{
    return parse_key("log", map({{key, text(value)}}));
}

config_value null_word()
{
    config_value value;
    value.text = "null"; // as the YAML loader tells it from nothing at all
    return value;
}

} // namespace

TEST_CASE("the log is a map", "[program_keys][streams]")
{
    CHECK(parse_key("log", map({})).problems.empty());
    CHECK(parse_key("log", {}).problems.empty());
    CHECK(mentions(parse_key("log", text("/var/log/x")).problems,
                   "log: expected a map, found '/var/log/x': write log: {path: …}"));
}

TEST_CASE("every key of the log", "[program_keys][streams]")
{
    const auto [program, problems] = parse_key("log", map({{"path", text("/var/log/%n.log")},
                                                           {"stderr_path", text("%L/%n.err")},
                                                           {"max_size", text("1M")},
                                                           {"keep", text("3")},
                                                           {"max_total_size", text("2M")},
                                                           {"max_age", text("1d")},
                                                           {"compress", text("gzip")},
                                                           {"timestamps", text("iso")},
                                                           {"mode", text("0600")},
                                                           {"user", text("www")},
                                                           {"group", text("4")},
                                                           {"tail_size", text("64K")}}));
    CHECK(problems == texts{});
    log_settings expected;
    expected.path = "/var/log/%n.log";
    expected.stderr_path = "%L/%n.err";
    expected.max_size = 1U << 20U;
    expected.keep = 3;
    expected.max_total_size = 2U << 20U;
    expected.max_age = 24h;
    expected.compress = log_compression::gzip;
    expected.timestamps = log_timestamps::iso;
    expected.mode = 0600;
    expected.user = "www";
    expected.group = "4";
    expected.tail_size = log_settings::max_tail_size;
    CHECK(program.log == expected);
    CHECK(program.standard_error.kind == output_kind::log);
    CHECK(parse_log("format", "json").program.log.format == log_format::json);
}

TEST_CASE("the default that the table of the log tells is the default", "[program_keys][streams]")
{
    for (const program_key& key : log_keys()) {
        CAPTURE(key.name);
        CHECK_FALSE(key.doc.empty());
        if (key.default_text.empty()) continue;
        const auto [program, problems] = parse_log(std::string(key.name), std::string(key.default_text));
        CHECK(problems == texts{});
        CHECK(program.log == log_settings{});
    }
}

TEST_CASE("mistakes in the log", "[program_keys][streams]")
{
    const auto [key, value, expected] = GENERATE(table<const char*, const char*, const char*>({
        {"path", "x.log", "log.path: 'x.log' is not an absolute path"},
        {"path", "/var/log/", "log.path: '/var/log/' is a folder: name a file in it"},
        {"path", "/%f", "log.path: unknown specifier '%f'"},
        {"max_size", "0", "log.max_size: '0' is less than the least, 4K; write infinity for no limit"},
        {"max_size", "50MB", "log.max_size: invalid size '50MB'"},
        {"max_size", "", "log.max_size: a value is missing"},
        {"keep", "-1", "log.keep: '-1' is not a whole number from 0 to 10000"},
        {"max_age", "1ms", "log.max_age: '1ms' is less than the least, 1s"},
        {"compress", "yes", "log.compress: unknown value 'yes'; allowed are none, gzip"},
        {"timestamps", "utc", "log.timestamps: unknown value 'utc'; allowed are none, iso, local"},
        {"format", "text", "log.format: unknown value 'text'; allowed are raw, json"},
        {"mode", "0440", "log.mode: '0440' does not let the owner write, who is to: write 0640"},
        {"mode", "640u", "log.mode: '640u' is not an octal number"},
        {"user", "a b", "log.user: 'a b' cannot be the name of an account"},
        {"group", "%i", "log.group: '%i': specifiers are not expanded here"},
        {"tail_size", "65K", "log.tail_size: '65K' is more than the most, 64K"},
        {"MaxSize", "1M", "log: unknown key 'MaxSize': write 'max_size'"},
        {"backups", "1", "log: unknown key 'backups': did you mean 'keep'?"},
        {"pat", "/x", "log: unknown key 'pat': did you mean 'path'?"},
        {"zzzzzzzz", "1", "log: unknown key 'zzzzzzzz'; allowed are path, stderr_path, max_size"},
    }));
    CAPTURE(key, value);
    const auto [program, problems] = parse_log(key, value);
    CHECK(problems.size() == 1);
    CHECK(mentions(problems, expected));
    CHECK(program.log == log_settings{});
}

TEST_CASE("where output goes", "[program_keys][streams]")
{
    const auto [value, kind, path] = GENERATE(table<const char*, output_kind, const char*>({
        {"log", output_kind::log, ""},
        {"journal", output_kind::journal, ""},
        {"syslog", output_kind::syslog, ""},
        {"null", output_kind::null, ""},
        {"file:/tmp/a:b", output_kind::file, "/tmp/a:b"},
        {"append:%h/x", output_kind::append, "%h/x"},
        {"truncate:/tmp/%n", output_kind::truncate, "/tmp/%n"},
    }));
    CAPTURE(value);
    const output_choice expected{kind, path};
    const auto out = parse_key("standard_output", text(value));
    CHECK(out.problems == texts{});
    CHECK(out.program.standard_output == expected);
    CHECK(out.program.standard_error == output_choice{output_kind::inherit, {}});
    const auto err = parse_key("standard_error", text(value));
    CHECK(err.problems == texts{});
    CHECK(err.program.standard_error == expected);
}

TEST_CASE("null is a word, whatever YAML takes it for", "[program_keys][streams]")
{
    for (const char* const key : {"standard_output", "standard_error", "standard_input"})
        CHECK(parse_key(key, null_word()).problems == texts{});
    CHECK(parse_key("standard_output", null_word()).program.standard_output.kind == output_kind::null);
    CHECK(mentions(parse_key("standard_output", {}).problems, "standard_output: a value is missing"));
    CHECK(mentions(parse_key("standard_input", {}).problems, "standard_input: a value is missing"));
}

TEST_CASE("what is no place for output is refused with what is", "[program_keys][streams]")
{
    const auto [value, expected] = GENERATE(table<const char*, const char*>({
        {"tty", "'tty' is refused: no program is given a terminal"},
        {"journal+console", "'journal+console' is refused: output goes to one place: write journal"},
        {"kmsg", "'kmsg' is refused: write journal or syslog"},
        {"kmsg+console", "is refused: output goes to one place"},
        {"socket", "'socket' is refused: listening sockets"},
        {"fd:out", "'fd:out' is refused: no descriptors are passed in"},
        {"NONE", "'NONE' is refused: write null"},
        {"/dev/null", "'/dev/null' is refused: write null"},
        {"/dev/stdout", "write log, and log: {path: /dev/stdout}, for the daemon's"},
        {"/var/log/x", "write file:, append: or truncate: before the path"},
        {"file:", "no path follows 'file:'"},
        {"append:x", "'x' is not an absolute path"},
        {"truncate:/x/", "'/x/' is a folder"},
        {"file:/dev/stdout", "'/dev/stdout' is the opening process's own"},
        {"file",
         "unknown value 'file'; allowed are log, inherit, journal, syslog, null, file:PATH, append:PATH, "
         "truncate:PATH"},
    }));
    const auto key = GENERATE(as<std::string>{}, "standard_output", "standard_error");
    CAPTURE(value);
    const auto [program, problems] = parse_key(key, text(value));
    CHECK(problems.size() == 1);
    CHECK(mentions(problems, key + ": "));
    CHECK(mentions(problems, expected));
}

TEST_CASE("standard input", "[program_keys][streams]")
{
    CHECK(parse_key("standard_input", text("file:/srv/%i")).program.standard_input ==
          input_choice{input_kind::file, "/srv/%i"});
    const auto [value, expected] = GENERATE(table<const char*, const char*>({
        {"tty-force", "'tty-force' is refused: no program is given a terminal"},
        {"socket", "'socket' is refused: listening sockets"},
        {"fd:in", "'fd:in' is refused: no descriptors are passed in"},
        {"/etc/passwd", "'/etc/passwd' is refused: write file: before the path"},
        {"file:relative", "'relative' is not an absolute path"},
        {"append:/x", "unknown value 'append:/x'; allowed are null, file:PATH, data"},
    }));
    CAPTURE(value);
    CHECK(mentions(parse_key("standard_input", text(value)).problems, expected));
}

TEST_CASE("what standard input is filled with", "[program_keys][streams]")
{
    SECTION("texts end with a newline each")
    {
        const auto [program, problems] =
            parse_key("standard_input_text", list({text("one\\ttwo"), text(""), text("%n\nblock\n")}));
        CHECK(problems == texts{});
        CHECK(program.standard_input.kind == input_kind::data);
        CHECK(program.standard_input_data == "one\ttwo\n\n%n\nblock\n");
    }
    SECTION("base64 has no specifiers")
    {
        const auto [program, problems] = parse_key("standard_input_data", text("JW4K JQ==")); // "%n\n%"
        CHECK(problems == texts{});
        CHECK(program.standard_input_data == "%%n\n%%");
    }
    SECTION("in the order of the file")
    {
        const auto keys = map({{"exec_start", text("/bin/x")},
                               {"standard_input_data", text("Zm9v")},
                               {"standard_input_text", text("bar")}});
        CHECK(parse(keys).program.standard_input_data == "foobar\n");
    }
    SECTION("nothing is as if not given")
    {
        CHECK(parse_key("standard_input_text", text("")).problems == texts{});
        CHECK(parse_key("standard_input_text", text("")).program.standard_input.kind == input_kind::null);
    }
    SECTION("mistakes")
    {
        CHECK(mentions(parse_key("standard_input_text", text("\\q")).problems, "unknown escape '\\q'"));
        CHECK(
            mentions(parse_key("standard_input_text", text("5 %")).problems, "write %% for a percent sign"));
        CHECK(mentions(parse_key("standard_input_text", map({{"a", text("b")}})).problems, "found a map"));
        CHECK(mentions(parse_key("standard_input_data", text("?")).problems, "this is not base64"));
        CHECK(mentions(parse_key("standard_input_text", text(std::string(1 << 20, 'x'))).problems,
                       "more than 1M for standard input"));
    }
}

TEST_CASE("syslog's words", "[program_keys][streams]")
{
    const auto with = [](const char* key, const char* value) {
        return parse(
            map({{"exec_start", text("/bin/x")}, {"standard_output", text("syslog")}, {key, text(value)}}));
    };
    CHECK(with("syslog_facility", "local7").program.syslog_facility == 23);
    CHECK(with("syslog_facility", "13").program.syslog_facility == 13);
    CHECK(with("syslog_level", "warning").program.syslog_level == 4);
    CHECK(with("syslog_level", "0").program.syslog_level == 0);
    CHECK(with("syslog_identifier", "%p-x").program.syslog_identifier == "%p-x");
    CHECK_FALSE(with("syslog_level_prefix", "no").program.syslog_level_prefix);
    for (const char* const wrong : {"24", "-1", "local8", "3x"})
        CHECK(mentions(with("syslog_facility", wrong).problems, "allowed are kern, user"));
    for (const char* const wrong : {"8", "warn", "INFO"})
        CHECK(mentions(with("syslog_level", wrong).problems, "allowed are emerg, alert"));
    CHECK(mentions(with("syslog_identifier", "a\nb").problems, "a name of one line"));
    CHECK(mentions(with("syslog_identifier", "%f").problems, "unknown specifier"));
}
