#include "common/protocol.h"
#include "tests/support/catch.h"

using namespace procctl;
using namespace procctl::protocol;

namespace {

program_status sample_status()
{
    return {.name = "worker@1",
            .program = "worker",
            .description = "Task \"queue\"",
            .type = "simple",
            .active_state = "activating",
            .sub_state = "auto-restart",
            .result = "exit-code",
            .main_pid = 0,
            .control_pid = 17,
            .control_command = "exec_stop_post",
            .control_group = "/procctld/worker@1",
            .status_text = "busy",
            .status_errno = 5,
            .reload_result = "success",
            .exit_type = "main",
            .notify_access = "main",
            .ignored_notifications = 2,
            .watchdog_usec = 5'000'000,
            .next_watchdog_in_sec = 1.5,
            .n_file_descriptor_store = 4,
            .monitored = "web",
            .monitored_result = "signal",
            .n_restarts = 3,
            .exec_main_code = 1,
            .exec_main_status = 255,
            .exec_main_start_timestamp = 1'700'000'000'000'000,
            .exec_main_exit_timestamp = 1'700'000'001'000'000,
            .last_output = "no space\n",
            .state_change_timestamp = 1'700'000'001'000'001,
            .active_enter_timestamp = 1,
            .active_exit_timestamp = 2,
            .inactive_enter_timestamp = 3,
            .inactive_exit_timestamp = 4,
            .invocation_id = "0123456789abcdef0123456789abcdef",
            .next_restart_in_sec = 3.2,
            .start_limit_hit = true,
            .explanation = "exited with status 255; restarts in 3.2s",
            .log_path = "/var/log/procctl/worker@1.log",
            .stderr_log_path = "/var/log/procctl/worker@1.err",
            .log_note = "elsewhere",
            .log_error = "cannot write",
            .log_error_timestamp = 5,
            .on_log_error = "drop",
            .dropped_output = 6,
            .source = "/etc/procctl/conf.d/worker.yaml:3"};
}

} // namespace

TEST_CASE("a status reads back as it was written", "[protocol]")
{
    const std::string text = to_json(std::vector{sample_status(), program_status{.name = "web"}});
    const auto back = program_statuses_from_json(text);
    REQUIRE(back);
    REQUIRE(back->size() == 2);
    CHECK(to_json(*back) == text);
    CHECK(back->front().next_restart_in_sec == 3.2);
    CHECK(!back->back().next_restart_in_sec);
}

TEST_CASE("a status has systemctl's names and numbers", "[protocol]")
{
    CHECK(
        to_json(sample_status()) ==
        R"({"name":"worker@1","program":"worker","description":"Task \"queue\"","type":"simple",)"
        R"("active_state":"activating","sub_state":"auto-restart","result":"exit-code","main_pid":0,)"
        R"("control_pid":17,"control_command":"exec_stop_post","control_group":"/procctld/worker@1",)"
        R"("status_text":"busy","status_errno":5,"reload_result":"success","exit_type":"main",)"
        R"("notify_access":"main","ignored_notifications":2,"watchdog_usec":5000000,"next_watchdog_in_sec":1.5,)"
        R"("n_file_descriptor_store":4,"monitored":"web","monitored_result":"signal",)"
        R"("n_restarts":3,"exec_main_code":1,"exec_main_status":255,)"
        R"("exec_main_start_timestamp":1700000000000000,"exec_main_exit_timestamp":1700000001000000,"last_result":"","last_exec_main_code":0,"last_exec_main_status":0,"last_end_timestamp":0,"last_output":"no space\n",)"
        R"("state_change_timestamp":1700000001000001,"active_enter_timestamp":1,"active_exit_timestamp":2,)"
        R"("inactive_enter_timestamp":3,"inactive_exit_timestamp":4,)"
        R"("invocation_id":"0123456789abcdef0123456789abcdef","next_restart_in_sec":3.2,"start_limit_hit":true,)"
        R"("explanation":"exited with status 255; restarts in 3.2s","log_path":"/var/log/procctl/worker@1.log",)"
        R"("stderr_log_path":"/var/log/procctl/worker@1.err","log_note":"elsewhere","log_error":"cannot write",)"
        R"("log_error_timestamp":5,"on_log_error":"drop","dropped_output":6,"source":"/etc/procctl/conf.d/worker.yaml:3"})");
}

TEST_CASE("any bytes become valid JSON", "[protocol]")
{
    CHECK(json_text("") == "\"\"");
    CHECK(json_text("plain") == "\"plain\"");
    CHECK(json_text("a\"b\\c\n\t\x01\x7f") == "\"a\\\"b\\\\c\\n\\t\\u0001\\u007f\"");
    // U+0080 to U+009F are control characters too: no terminal is to see them.
    CHECK(json_text("\u0080\u009b\u00a0") == "\"\\u0080\\u009b\u00a0\"");
    CHECK(json_text("grün €𝄞") == "\"grün €𝄞\"");
    // A lone byte, an overlong form, a surrogate, a sequence cut short, one beyond U+10FFFF.
    for (const char* const broken : {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xe2\x82", "\xf4\x90\x80\x80"}) {
        const program_status status{.description = std::string("<") + broken + ">"};
        const auto back = program_statuses_from_json(to_json(std::vector{status}));
        REQUIRE(back);
        CHECK(back->front().description.starts_with("<\xEF\xBF\xBD"));
        CHECK(back->front().description.ends_with(">"));
    }
    CHECK(json_text(std::string_view("\0", 1)) == "\"\\u0000\"");
}

TEST_CASE("a reader takes what it does not know and misses nothing", "[protocol]")
{
    const auto back = program_statuses_from_json(R"([{"name":"web","colour":"green","tags":[1,{}]}])");
    REQUIRE(back);
    CHECK(back->front().name == "web");
    CHECK(back->front().main_pid == 0);
}

TEST_CASE("what does not fit is an error, never a crash", "[protocol]")
{
    const std::string text =
        GENERATE(as<std::string>{}, "", "{", "null", "[1]", "{}", R"([{"name":1}])", R"([{"main_pid":"1"}])",
                 R"([{"main_pid":1.5}])", R"([{"n_restarts":-1}])", R"([{"main_pid":99999999999999999999}])",
                 R"([{"start_limit_hit":1}])", R"([{"next_restart_in_sec":"1"}])", "[{\"name\":\"\xff\"}]");
    CAPTURE(text);
    CHECK(!program_statuses_from_json(text));
    CHECK(!program_statuses_from_json(std::string(100'000, '[')));
}

TEST_CASE("an error has a kind and a message", "[protocol]")
{
    const auto back =
        error_reply_from_json(to_json(error_reply{"no-such-program", "no program is named 'x'"}));
    REQUIRE(back);
    CHECK(back->kind == "no-such-program");
    CHECK(back->message == "no program is named 'x'");
    CHECK(!error_reply_from_json(R"({"message":"m"})"));
    CHECK(!error_reply_from_json("[]"));
}

TEST_CASE("jobs come as a list, or within an error", "[protocol]")
{
    const std::vector<job_reply> jobs{{"web", "start", "done", ""},
                                      {"mail", "start", "failed", "no such file"}};
    for (const std::string& text :
         {to_json(jobs), to_json(error_reply{"job-failed", "1 of 2 jobs failed"}, jobs)}) {
        CAPTURE(text);
        const auto back = job_replies_from_json(text);
        REQUIRE(back);
        CHECK(to_json(*back) == to_json(jobs));
    }
    CHECK(!job_replies_from_json(R"({"kind":"internal","message":""})"));
}

TEST_CASE("an update reads back as it was written", "[protocol]")
{
    const update_reply update{.ok = false,
                              .dry_run = true,
                              .start = {"a"},
                              .add = {"b"},
                              .restart = {"c", "d"},
                              .replace = {},
                              .stop = {"e"},
                              .remove = {"f"},
                              .problems = {{"error", "/x.yaml", 3, 5, "unknown key 'foo'"}},
                              .jobs = {{"a", "start", "done", ""}}};
    const auto back = update_reply_from_json(to_json(update));
    REQUIRE(back);
    CHECK(to_json(*back) == to_json(update));

    const std::string refused = to_json(error_reply{"configuration", "1 error"}, update);
    CHECK(error_reply_from_json(refused)->kind == "configuration");
    CHECK(to_json(*update_reply_from_json(refused)) == to_json(update));
}

TEST_CASE("the daemon's status and version read back as they were written", "[protocol]")
{
    const daemon_status status{.version = "1.2",
                               .pid = 42,
                               .start_timestamp = 1,
                               .programs = 2,
                               .instances = 5,
                               .conf_d = "/c",
                               .socket = "/s",
                               .log_dir = "/l",
                               .state_dir = "/t",
                               .dropped_log_lines = 7,
                               .problems = {{"warning", "/x", 0, 0, "m"}}};
    CHECK(to_json(*daemon_status_from_json(to_json(status))) == to_json(status));
    CHECK(version_reply_from_json(to_json(version_reply{"1.2", "v1"}))->version == "1.2");
}

TEST_CASE("a request for jobs is read strictly", "[protocol]")
{
    for (const char* const job : {"start", "stop", "restart", "try-restart", "reload"})
        CHECK(job_request_from_json(to_json(job_request{.job = job, .names = {"web"}})));
    const auto request = job_request_from_json(R"({"job":"restart","names":["web","@batch"]})");
    REQUIRE(request);
    CHECK(request->job == "restart");
    CHECK(request->names == std::vector<std::string>{"web", "@batch"});
    CHECK(to_json(*request) == R"({"job":"restart","names":["web","@batch"]})");

    const std::string wrong =
        GENERATE(as<std::string>{}, "", "[]", "{}", R"({"job":"restart"})", R"({"job":"restart","names":[]})",
                 R"({"job":"restart","names":"web"})", R"({"job":"restart","names":[1]})",
                 R"({"job":"kill","names":["web"]})", R"({"names":["web"]})",
                 R"({"job":"restart","names":["web"],"force":true})");
    CAPTURE(wrong);
    CHECK(!job_request_from_json(wrong));
}

TEST_CASE("properties are shown to people as plain text", "[protocol]")
{
    using pairs = std::vector<std::pair<std::string, std::string>>;
    const auto lists = property_lists_from_json(
        R"([{"name":"web","main_pid":7,"tags":["a","b"],"environment":{"A":"1","B":"x y"},"nice":null,"up":true,"f":3.2}])");
    REQUIRE(lists);
    CHECK(lists->front() == pairs{{"name", "web"},
                                  {"main_pid", "7"},
                                  {"tags", "a b"},
                                  {"environment", "A=1 B=x y"},
                                  {"nice", ""},
                                  {"up", "true"},
                                  {"f", "3.2"}});
    CHECK(!property_lists_from_json("{}"));
    CHECK(!property_lists_from_json("[1]"));
}
