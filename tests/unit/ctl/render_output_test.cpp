#include "ctl/render.h"
#include "ctl/render_output.h"
#include "tests/support/golden.h"
#include "tests/unit/ctl/sample_programs.h"

using namespace procctl;
using namespace procctl::ctl;
using test::check_golden;

namespace {

protocol::program_status crashed_mail()
{
    protocol::program_status p = failed_mail();
    p.last_result = "signal";
    p.last_exec_main_code = 2;
    p.last_exec_main_status = 11;
    p.last_end_timestamp = sample_now - 7200 * second;
    p.last_output = "reading the queue\ncannot bind: Address already in use\n";
    return p;
}

protocol::program_status without_room(protocol::program_status p)
{
    p.log_error = "cannot write " + p.log_path + ": No space left on device";
    p.log_error_timestamp = sample_now - 192 * second;
    p.on_log_error = "wait";
    return p;
}

std::string numbered(int from, int to)
{
    std::string text;
    for (int n = from; n <= to; ++n)
        text += "line " + std::to_string(n) + '\n';
    return text;
}

} // namespace

TEST_CASE("the last output of a run has its place in the status", "[render]")
{
    const std::string log = "2026-11-20T12:00:00Z cannot bind: Address already in use\n";
    std::string text = render_status(crashed_mail(), log, plain_view()) + '\n';
    protocol::program_status up_again = running_web();
    up_again.last_result = "exit-code";
    up_again.last_exec_main_code = 1;
    up_again.last_exec_main_status = 3;
    up_again.last_end_timestamp = sample_now - 193 * second;
    up_again.last_output = "\x1b[31mbroken\x1b[0m\x07\tby tab \xc2\x9b[2J\nno line end";
    up_again.stderr_log_path = "/var/log/procctl/web.err";
    text += render_status(without_room(up_again), "GET /\n", plain_view()) + '\n';
    up_again.dropped_output = 4096;
    up_again.log_note = "nowhere\x1b";
    protocol::program_status dropping = without_room(up_again);
    dropping.on_log_error = "drop";
    text += render_status(dropping, "", plain_view()) + '\n';
    text += render_status(up_again, "", plain_view());
    check_golden("ctl/status-output.txt", text);
    view colored = plain_view();
    colored.color = true;
    check_golden("ctl/status-output-color.txt", render_status(without_room(crashed_mail()), log, colored));
}

TEST_CASE("what is in the log as well is shown once", "[render]")
{
    protocol::program_status p = crashed_mail();
    const std::string before = "from a run before\n";
    CHECK(render_output(p, before + p.last_output, plain_view()) ==
          "\nLast output:\n" + before + p.last_output);

    SECTION("also where its first line has lost its beginning")
    {
        p.last_output = "the queue\ncannot bind: Address already in use\n";
        const std::string log = "reading the queue\ncannot bind: Address already in use\n";
        CHECK(render_output(p, log, plain_view()) == "\nLast output:\n" + log);
    }
    SECTION("also where it is no UTF-8")
    {
        p.last_output = "gr\xef\xbf\xbdn\n";
        CHECK(render_output(p, "gr\xfcn\n", plain_view()) == "\nLast output:\ngr\xfcn\n");
    }
    SECTION("also where it is longer")
    {
        p.last_output = numbered(1, 50);
        const std::string log = numbered(41, 50);
        CHECK(render_output(p, log, plain_view()) == "\nLast output:\n" + log);
    }
    SECTION("but not where the log goes on")
    {
        const std::string text = render_output(p, p.last_output + "somebody else\n", plain_view());
        CHECK(text.starts_with("\nLast output of the run that ended (signal) Tue 2023-11-14 20:13:20 UTC; "));
        CHECK(text.find("\nEnd of the log:\n") != std::string::npos);
    }
    SECTION("nor while it runs: what it writes now comes after that")
    {
        p.active_state = "active";
        p.sub_state = "running";
        CHECK(render_output(p, p.last_output, plain_view()).find("\nEnd of the log:\n") != std::string::npos);
    }
}

TEST_CASE("whose last output is shown", "[render]")
{
    protocol::program_status p = crashed_mail();
    const auto is_shown = [&] { return !render_output(p, "", plain_view()).empty(); };
    p.last_result = GENERATE(as<std::string>{}, "success", "exit-code", "exec-condition");
    const bool has_failed = p.last_result == "exit-code";
    CAPTURE(p.last_result);
    CHECK(is_shown());
    p.active_state = "inactive";
    CHECK(is_shown());
    p.active_state = "activating";
    p.sub_state = "auto-restart";
    CHECK(is_shown());
    p.sub_state = "start";
    CHECK(is_shown() == has_failed);
    p.active_state = "active";
    p.sub_state = "running";
    CHECK(is_shown() == has_failed);
    p.last_output.clear();
    CHECK(!is_shown());
    CHECK(render_output(p, "a\nb\n", plain_view()) == "\na\nb\n");
}

TEST_CASE("at most ten lines of it", "[render]")
{
    protocol::program_status p = crashed_mail();
    const auto lines_after_title = [&] {
        const std::string text = render_output(p, "", plain_view());
        return text.substr(text.find('\n', 1) + 1);
    };
    p.last_output = numbered(1, 10);
    CHECK(lines_after_title() == numbered(1, 10));
    p.last_output = numbered(1, 11);
    CHECK(lines_after_title() == numbered(2, 11));
    p.last_output.pop_back(); // the last line without its end is one, too
    CHECK(lines_after_title() == numbered(2, 11));
    CHECK(render_output(p, "", plain_view()).starts_with("\nLast 10 lines of the run that ended (signal) "));
    p.last_output = std::string(12, '\n');
    CHECK(lines_after_title() == std::string(10, '\n'));
    p.last_output = std::string(10, '\n');
    CHECK(lines_after_title() == std::string(10, '\n'));
    CHECK(render_output(p, "", plain_view()).starts_with("\nLast output of the run that ended (signal) "));
    p.last_output = "\n";
    CHECK(lines_after_title() == "\n");
}

TEST_CASE("below the table stands whose log cannot be written", "[render]")
{
    const auto hint = [](std::size_t broken) {
        std::vector<protocol::program_status> programs{waiting_worker()};
        for (std::size_t n = 0; n < broken; ++n) {
            programs.push_back(without_room(running_web()));
            programs.back().name += '@' + std::to_string(n + 1);
        }
        return render_log_hint(programs, plain_view());
    };
    CHECK(hint(0).empty());
    CHECK(hint(1) == "\nThe log of web@1 cannot be written: `procctl status web@1` says why\n");
    CHECK(hint(3) ==
          "\nThe logs of web@1, web@2, web@3 cannot be written: `procctl status web@1` says why\n");
    CHECK(
        hint(5) ==
        "\nThe logs of web@1, web@2, web@3 and 2 more cannot be written: `procctl status web@1` says why\n");
}
