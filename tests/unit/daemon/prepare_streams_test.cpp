#include "daemon/prepare_streams.h"
#include "tests/support/catch.h"

#include <memory>

using namespace procctl;

namespace {

instance make_instance(program_config config, unsigned number = 0)
{
    instance i;
    i.number = number;
    i.name = config.name;
    if (number != 0) i.name += '@' + std::to_string(number);
    i.program = std::make_shared<const loaded_program>(loaded_program{std::move(config), {}});
    return i;
}

program_config worker()
{
    program_config config;
    config.name = "worker";
    return config;
}

identity account(uid_t uid)
{
    identity who;
    who.uid = uid;
    who.gid = uid + 1;
    who.user = "www";
    who.home = "/var/www";
    return who;
}

result<prepared_streams> prepare(const program_config& config, unsigned number = 0,
                                 const identity* log_owner = nullptr)
{
    host_facts host;
    host.daemon.runtime_dir = "/run";
    host.daemon.log_dir = "/var/log/procctl";
    host.host = "box";
    return prepare_streams(make_instance(config, number), account(33), log_owner, host);
}

output_choice choice(output_kind kind, std::string path = {}) { return {kind, std::move(path)}; }

} // namespace

TEST_CASE("both streams of a program go through one pipe to its log", "[streams]")
{
    const auto streams = prepare(worker(), 2);
    REQUIRE(streams);
    stream_settings expected;
    expected.path = "/var/log/procctl/worker@2.log";
    expected.max_size = 50U << 20U;
    expected.tail_size = 4096;
    expected.program = "worker";
    expected.instance = "worker@2";
    expected.stream = "stdout";
    expected.identifier = "worker";
    CHECK(streams->out == expected);
    CHECK_FALSE(streams->err);
    CHECK(streams->shares_pipe);
    CHECK(streams->out_file.kind == output_kind::log);
    CHECK(streams->err_file.kind == output_kind::inherit);
    CHECK(streams->in.kind == input_kind::null);
}

TEST_CASE("the settings of a log are those of its stream", "[streams]")
{
    program_config config = worker();
    config.log.path = "%h/%p-%i.log";
    config.log.max_size = 1U << 20U;
    config.log.max_total_size = 5U << 20U;
    config.log.max_age = std::chrono::hours(1);
    config.log.keep = 3;
    config.log.mode = 0600;
    config.log.timestamps = log_timestamps::iso;
    config.log.tail_size = 100;
    config.on_log_error = log_error_action::drop;
    const auto streams = prepare(config, 7);
    REQUIRE(streams);
    REQUIRE(streams->out);
    CHECK(streams->out->path == "/var/www/worker-7.log");
    CHECK(streams->out->max_size == config.log.max_size);
    CHECK(streams->out->max_total_size == config.log.max_total_size);
    CHECK(streams->out->max_age == config.log.max_age);
    CHECK(streams->out->keep == 3);
    CHECK(streams->out->mode == 0600);
    CHECK(streams->out->timestamps == log_timestamps::iso);
    CHECK(streams->out->tail_size == 100);
    CHECK(streams->out->on_error == log_error_action::drop);
    CHECK(streams->shares_pipe);
}

TEST_CASE("who owns the files of a log", "[streams]")
{
    program_config config = worker();
    const identity owner = account(5);
    CHECK(prepare(config)->out->uid == UINT32_MAX);
    CHECK(prepare(config)->out->gid == UINT32_MAX);
    config.log.group = "adm";
    CHECK(prepare(config, 0, &owner)->out->uid == UINT32_MAX); // a group alone changes no user
    CHECK(prepare(config, 0, &owner)->out->gid == 6);
    config.log.user = "syslog";
    CHECK(prepare(config, 0, &owner)->out->uid == 5);
}

TEST_CASE("what tells standard output and error apart gives each a pipe", "[streams]")
{
    program_config config = worker();
    SECTION("a file of its own for standard error")
    {
        config.standard_error.kind = output_kind::log;
        config.log.stderr_path = "/err/%n";
        const auto streams = prepare(config);
        REQUIRE(streams);
        CHECK(streams->out->path == "/var/log/procctl/worker.log");
        CHECK(streams->err->path == "/err/worker");
        CHECK(streams->err->stream == "stderr");
        CHECK_FALSE(streams->shares_pipe);
        CHECK(streams->err_file.kind == output_kind::log);
    }
    SECTION("which is the same one in the end")
    {
        config.standard_error.kind = output_kind::log;
        config.log.stderr_path = "/var/log/procctl/%n.log";
        CHECK(prepare(config)->shares_pipe);
    }
    SECTION("JSON")
    {
        config.log.format = log_format::json;
        const auto streams = prepare(config);
        REQUIRE(streams);
        CHECK(streams->out->stream == "stdout");
        CHECK(streams->err->stream == "stderr");
        CHECK(streams->err->path == streams->out->path);
        CHECK_FALSE(streams->shares_pipe);
    }
    SECTION("the journal, and what it is told")
    {
        config.standard_output.kind = output_kind::journal;
        config.syslog_identifier = "%p-x";
        config.syslog_facility = 16;
        config.syslog_level = 3;
        config.syslog_level_prefix = false;
        const auto streams = prepare(config);
        REQUIRE(streams);
        CHECK(streams->out->sink == stream_sink::journal);
        CHECK(streams->out->path == "/run/systemd/journal/socket");
        CHECK(streams->out->identifier == "worker-x");
        CHECK(streams->out->facility == 16);
        CHECK(streams->out->level == 3);
        CHECK_FALSE(streams->out->has_level_prefix);
        CHECK(streams->err->sink == stream_sink::journal);
        CHECK(streams->err->stream == "stderr");
        CHECK(streams->err_file.kind == output_kind::journal);
    }
    SECTION("syslog for one, the log for the other")
    {
        config.standard_output.kind = output_kind::syslog;
        config.standard_error.kind = output_kind::log;
        const auto streams = prepare(config);
        REQUIRE(streams);
        CHECK(streams->out->sink == stream_sink::syslog);
        CHECK(streams->out->path == "/dev/log");
        CHECK(streams->out->max_size == unlimited_size);
        CHECK(streams->err->path == "/var/log/procctl/worker.log");
    }
}

TEST_CASE("output that is no pipe", "[streams]")
{
    program_config config = worker();
    SECTION("nowhere, and standard error with it")
    {
        config.standard_output.kind = output_kind::null;
        const auto streams = prepare(config);
        REQUIRE(streams);
        CHECK_FALSE(streams->out);
        CHECK_FALSE(streams->err);
        CHECK_FALSE(streams->shares_pipe);
        CHECK(streams->err_file == choice(output_kind::null));
    }
    SECTION("standard output nowhere, standard error in the log")
    {
        config.standard_output.kind = output_kind::null;
        config.standard_error.kind = output_kind::log;
        const auto streams = prepare(config);
        REQUIRE(streams);
        CHECK_FALSE(streams->out);
        CHECK(streams->err->path == "/var/log/procctl/worker.log");
        CHECK(streams->err->stream == "stderr");
    }
    SECTION("a file, opened once for both")
    {
        config.standard_output = choice(output_kind::append, "%t/%n");
        config.standard_error =
            GENERATE(choice(output_kind::inherit), choice(output_kind::append, "/run/%n"));
        const auto streams = prepare(config);
        REQUIRE(streams);
        CHECK(streams->out_file == choice(output_kind::append, "/run/worker"));
        CHECK(streams->err_file == choice(output_kind::inherit));
    }
    SECTION("two files")
    {
        config.standard_output = choice(output_kind::file, "/a");
        config.standard_error = choice(output_kind::truncate, "/b");
        const auto streams = prepare(config);
        REQUIRE(streams);
        CHECK(streams->out_file == config.standard_output);
        CHECK(streams->err_file == config.standard_error);
    }
    SECTION("what standard input is")
    {
        config.standard_output.kind = output_kind::inherit;
        CHECK(prepare(config)->out_file == choice(output_kind::null));
        config.standard_input = {input_kind::data, {}};
        CHECK(prepare(config)->out_file == choice(output_kind::null));
        CHECK(prepare(config)->err_file == choice(output_kind::null));
        config.standard_input = {input_kind::file, "/dev/%p"};
        const auto streams = prepare(config);
        REQUIRE(streams);
        CHECK(streams->in.path == "/dev/worker");
        CHECK(streams->out_file == choice(output_kind::inherit));
        CHECK(streams->err_file == choice(output_kind::inherit));
    }
    SECTION("the file of standard input by name")
    {
        config.standard_input = {input_kind::file, "/dev/tty7"};
        config.standard_output = config.standard_error = choice(output_kind::file, "/dev/tty7");
        const auto streams = prepare(config);
        REQUIRE(streams);
        CHECK(streams->out_file == config.standard_output);
        CHECK(streams->err_file == choice(output_kind::inherit));
    }
}

TEST_CASE("standard input is filled with data whose specifiers are expanded", "[streams]")
{
    program_config config = worker();
    config.standard_input.kind = input_kind::data;
    config.standard_input_data = std::string("%n\n%%n\0", 7);
    const auto streams = prepare(config, 1);
    REQUIRE(streams);
    CHECK(streams->in.kind == input_kind::data);
    CHECK(streams->in_data == std::string("worker@1\n%n\0", 12));
}

TEST_CASE("a path must be absolute once it is expanded", "[streams]")
{
    program_config config = worker();
    const auto message = [&] { return prepare(config).error().message(); };
    SECTION("of standard output")
    {
        config.standard_output = choice(output_kind::append, "%i/x");
        CHECK(prepare(config, 1).error().message() ==
              "standard_output: '1/x' is not an absolute path, as '%i/x' is expanded here");
    }
    SECTION("of standard error")
    {
        config.standard_error = choice(output_kind::append, "%p");
        CHECK(message().starts_with("standard_error: 'worker' is not an absolute path"));
    }
    SECTION("of standard input")
    {
        config.standard_input = {input_kind::file, "%p"};
        CHECK(message().starts_with("standard_input: 'worker' is not an absolute path"));
    }
    SECTION("of the log")
    {
        config.log.path = "%p";
        CHECK(message().starts_with("log: 'worker' is not an absolute path"));
    }
}
