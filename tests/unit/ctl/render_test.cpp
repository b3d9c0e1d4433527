#include "ctl/render.h"
#include "tests/support/golden.h"
#include "tests/unit/ctl/sample_programs.h"

using namespace procctl;
using namespace procctl::ctl;
using test::check_golden;

TEST_CASE("the table of programs", "[render]")
{
    check_golden("ctl/table.txt", render_table(sample_programs(), plain_view()));
    check_golden("ctl/table-80.txt", render_table(sample_programs(), plain_view(80)));
    check_golden("ctl/table-30.txt", render_table(sample_programs(), plain_view(30)));
    view colored = plain_view(80);
    colored.color = true;
    check_golden("ctl/table-color.txt", render_table(sample_programs(), colored));
}

TEST_CASE("no line of the table is wider than the terminal", "[render]")
{
    protocol::program_status wide = running_web();
    wide.name = std::string(128, 'n');
    wide.description = std::string(300, 'd');
    const unsigned width = GENERATE(60U, 80U, 100U, 200U);
    std::string table = render_table({wide, waiting_worker()}, plain_view(width));
    CAPTURE(table);
    while (!table.empty()) {
        const std::size_t end = table.find('\n');
        CHECK(columns(std::string_view(table).substr(0, end)) <= width);
        table.erase(0, end + 1);
    }
}

TEST_CASE("what a program says of itself is bounded, and steers no terminal", "[render]")
{
    const protocol::program_status api = reloading_api();
    protocol::program_status terse = api;
    terse.description.clear();
    terse.status_text = "ready";
    terse.control_group.clear();
    terse.monitored_result = "success";
    terse.next_watchdog_in_sec.reset();
    terse.ignored_notifications = 1;
    terse.n_file_descriptor_store = 1;
    std::string text;
    for (const unsigned width : {0U, 80U, 10U})
        text += render_table({api, terse}, plain_view(width)) + '\n' +
                render_status(api, "", plain_view(width)) + '\n';
    text += render_status(terse, "", plain_view());
    check_golden("ctl/status-notify.txt", text);
    CHECK(text.find_first_of("\x1b\x7f") == std::string::npos);
    CHECK(text.find("\u009b") == std::string::npos);
}

TEST_CASE("one program at a glance", "[render]")
{
    std::string all;
    for (const protocol::program_status& p : sample_programs())
        all += render_status(p, p.name == "web" ? "GET /\nGET\t/favicon.ico\x1b[2J\nno line end" : "",
                             plain_view()) +
               '\n';
    check_golden("ctl/status.txt", all);
    view colored = plain_view();
    colored.color = true;
    check_golden("ctl/status-color.txt", render_status(failed_mail(), "", colored));
}

TEST_CASE("the daemon at a glance", "[render]")
{
    protocol::daemon_status d{.version = "0.1.0",
                              .pid = 42,
                              .start_timestamp = sample_now - 86400 * second,
                              .programs = 1,
                              .instances = 4,
                              .conf_d = "/etc/procctl/conf.d",
                              .socket = "/run/procctl/procctl.sock",
                              .log_dir = "/var/log/procctl",
                              .state_dir = "/var/lib/procctl",
                              .dropped_log_lines = 0,
                              .problems = {}};
    std::string text = render_daemon(d, plain_view());
    d.dropped_log_lines = 1;
    d.problems = {{"error", "/etc/procctl/conf.d/a.yaml", 3, 5, "unknown key 'foo'"},
                  {"warning", "/etc/procctl/conf.d/b.yml", 0, 0, "not read: its name does not end in .yaml"}};
    text += '\n' + render_daemon(d, plain_view());
    check_golden("ctl/daemon.txt", text);
}

TEST_CASE("what an update does", "[render]")
{
    protocol::update_reply u{.ok = true,
                             .dry_run = false,
                             .start = {"web"},
                             .add = {"nightly"},
                             .restart = {"worker@1", "worker@2"},
                             .replace = {"mail"},
                             .stop = {"old"},
                             .remove = {"older"},
                             .problems = {},
                             .jobs = {}};
    std::string text = render_update(u);
    u.dry_run = true;
    text += '\n' + render_update(u) + '\n' + render_update({.ok = true});
    check_golden("ctl/update.txt", text);
}

TEST_CASE("jobs say what became of them", "[render]")
{
    const job_texts texts = render_jobs({{"a", "start", "done", ""},
                                         {"b", "stop", "done", ""},
                                         {"c", "restart", "done", ""},
                                         {"d", "kill", "done", ""},
                                         {"e", "reset-failed", "done", ""},
                                         {"f", "start", "queued", ""},
                                         {"g", "start", "failed", "exited with status 1"},
                                         {"h", "restart", "start-limit-hit", "start limit hit"},
                                         {"i", "stop", "canceled", ""},
                                         {"j", "reload", "done", ""},
                                         {"k", "try-restart", "done", ""},
                                         {"l", "try-restart", "skipped", "not started yet"},
                                         {"m", "reload", "invalid", "m is not active, cannot reload"},
                                         {"n", "reload", "unsupported", "n has no exec_reload"},
                                         {"o", "start", "assert-failed", "assert_path_exists does not hold"}},
                                        plain_view());
    check_golden("ctl/jobs.txt", texts.done + "--\n" + texts.failed);
}

TEST_CASE("properties are all shown, or those asked for in that order", "[render]")
{
    const std::vector<std::pair<std::string, std::string>> all{
        {"name", "web"}, {"type", "simple"}, {"nice", ""}};
    CHECK(render_properties(all, {}) == "name=web\ntype=simple\nnice=\n");
    CHECK(render_properties(all, {"type", "name", "foo"}) == "type=simple\nname=web\n");
}
