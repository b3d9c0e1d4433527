// Tasks run for real: this test program is its own helper, as the daemon is.
#include "daemon/helpers/helper_main.h"
#include "daemon/helpers/helper_runner.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <filesystem>
#include <iostream>
#include <iterator>
#include <optional>

#include <sys/wait.h>
#include <unistd.h>

using namespace procctl;
using namespace procctl::tests;
using namespace std::chrono_literals;

namespace {

// Before Catch's main function sees the arguments, and after <iostream> is ready.
const bool is_no_helper = [] {
    std::ifstream file("/proc/self/cmdline");
    std::vector<std::string> words;
    for (std::string word; std::getline(file, word, '\0');)
        words.push_back(word);
    if (words.size() < 2 || words[1] != "--helper") return true;
    ::_exit(helper_main({words.begin() + 2, words.end()}));
}();

struct answers {
    // Runs the loop until there are so many; the limit is only reached when they never come.
    void run_until(std::size_t count)
    {
        const auto limit = std::chrono::steady_clock::now() + 60s;
        while (all.size() < count) {
            REQUIRE(std::chrono::steady_clock::now() < limit);
            io.run_one_for(10s);
        }
    }
    void run_until_reaped()
    {
        const auto limit = std::chrono::steady_clock::now() + 60s;
        while (living > 0) {
            REQUIRE(std::chrono::steady_clock::now() < limit);
            io.run_one_for(10s);
        }
    }
    std::function<void(result<std::string>)> keep()
    {
        return [this](result<std::string> r) { all.push_back(std::move(r)); };
    }
    [[nodiscard]] std::string text() const
    {
        REQUIRE(all.size() == 1);
        REQUIRE(all[0]);
        return *all[0];
    }

    // A reaper for children that end by themselves.
    void watch(pid_t pid, unique_fd pidfd, std::function<void(const process_end&)> tell)
    {
        ++started;
        ++living;
        auto ended = std::make_shared<boost::asio::posix::stream_descriptor>(io, pidfd.release());
        ended->async_wait(ended->wait_read, [this, ended, pid, tell = std::move(tell)](auto failed) {
            if (failed) return; // the test is over
            int status = 0;
            REQUIRE(::waitpid(pid, &status, 0) == pid);
            --living;
            tell(WIFEXITED(status) ? process_end{exit_code_kind::exited, WEXITSTATUS(status)}
                                   : process_end{exit_code_kind::killed, WTERMSIG(status)});
        });
    }

    boost::asio::io_context io;
    std::vector<result<std::string>> all;
    unsigned started = 0;
    unsigned living = 0;
    helper_runner runner{io,
                         [this](pid_t pid, unique_fd pidfd, std::function<void(const process_end&)> tell) {
                             watch(pid, std::move(pidfd), std::move(tell));
                         }};
};

conditions_answer look(const std::vector<path_condition>& conditions,
                       const std::vector<path_condition>& asserts = {})
{
    answers a;
    a.runner.collect(conditions_task(conditions, asserts), 60s, a.keep());
    a.run_until(1);
    const auto answer = conditions_answer_from_json(a.text());
    REQUIRE(answer);
    return *answer;
}

} // namespace

TEST_CASE("paths that must exist", "[helpers]")
{
    REQUIRE(is_no_helper);
    const scratch_folder folder;
    const auto there = folder.file("there", "");
    const auto missing = folder / "missing";
    const auto dangling = folder / "dangling";
    std::filesystem::create_symlink(missing, dangling);

    const auto yes = path_condition{.path = there};
    const auto no = path_condition{.path = missing};
    const auto not_yes = path_condition{.path = there, .is_negated = true};
    const auto not_no = path_condition{.path = missing, .is_negated = true};
    const auto or_yes = path_condition{.path = there, .is_trigger = true};
    const auto or_no = path_condition{.path = missing, .is_trigger = true};
    const auto or_not_yes = path_condition{.path = there, .is_negated = true, .is_trigger = true};

    CHECK(look({}).condition_met);
    struct row {
        std::vector<path_condition> list;
        bool is_met;
        std::string unmet;
    };
    for (const auto& [list, is_met, unmet] : std::vector<row>{{{yes}, true, ""},
                                                              {{no}, false, missing},
                                                              {{not_yes}, false, '!' + there},
                                                              {{not_no, yes}, true, ""},
                                                              {{yes, no, not_yes}, false, missing},
                                                              {{{.path = folder.path()}}, true, ""},
                                                              {{{.path = dangling}}, false, dangling},
                                                              {{or_yes}, true, ""},
                                                              {{or_no}, false, '|' + missing},
                                                              {{or_no, or_yes, or_not_yes}, true, ""},
                                                              {{or_not_yes, or_no, yes}, false, "|!" + there},
                                                              {{or_yes, no}, false, missing}}) {
        CAPTURE(unmet, list.size());
        const auto as_condition = look(list, {yes});
        CHECK(as_condition.condition_met == is_met);
        CHECK(as_condition.assert_met);
        CHECK(as_condition.unmet == unmet);
        const auto as_assert = look({yes}, list);
        CHECK(as_assert.condition_met);
        CHECK(as_assert.assert_met == is_met);
        CHECK(as_assert.unmet == unmet);
    }
}

TEST_CASE("asserts count only where the conditions are met", "[helpers]")
{
    const scratch_folder folder;
    const path_condition no{.path = folder / "a"};
    const auto answer = look({no}, {no});
    CHECK_FALSE(answer.condition_met);
    CHECK(answer.assert_met);
}

TEST_CASE("a PID file is read by a helper", "[helpers]")
{
    const scratch_folder folder;
    const auto path = folder / "web.pid";
    answers a;
    SECTION("it is there")
    {
        folder.file("web.pid", std::to_string(::getpid()) + "\n");
        a.runner.collect(pid_file_task(path, false), 60s, a.keep());
        a.run_until(1);
        const auto answer = pid_file_answer_from_json(a.text());
        REQUIRE(answer);
        CHECK(answer->pid == ::getpid());
        CHECK(answer->problem.empty());
    }
    SECTION("it is not")
    {
        a.runner.collect(pid_file_task(path, false), 60s, a.keep());
        a.run_until(1);
        const auto answer = pid_file_answer_from_json(a.text());
        REQUIRE(answer);
        CHECK(answer->pid == 0);
        CHECK(answer->problem == "cannot read the PID file " + path + ": No such file or directory");
    }
}

TEST_CASE("helpers that wait keep nobody else waiting, and are called off", "[helpers]")
{
    const scratch_folder folder;
    answers a;
    std::vector<helper_runner::watch_token> tokens;
    for (int n = 0; n < 20; ++n) // more than the 16 that may do something else
        tokens.push_back(a.runner.watch(pid_file_task(folder / "web.pid", true), infinity, a.keep()));
    CHECK(a.living == 20);
    a.runner.collect(conditions_task({}, {}), 60s, a.keep());
    a.run_until(1);
    REQUIRE(a.all.size() == 1);
    CHECK(a.all[0]);
    a.all.clear();

    SECTION("by their tokens")
    {
        tokens.clear();
        a.run_until_reaped();
        CHECK(a.all.empty());
    }
    SECTION("all but one, which gets its answer")
    {
        tokens.erase(tokens.begin() + 1, tokens.end());
        folder.file("web.pid", std::to_string(::getpid()));
        a.run_until(1);
        a.run_until_reaped();
        const auto answer = pid_file_answer_from_json(a.text());
        REQUIRE(answer);
        CHECK(answer->pid == ::getpid());
        tokens[0].cancel();
        CHECK(a.all.size() == 1);
    }
    SECTION("one by another in its place")
    {
        tokens.resize(1);
        tokens[0] = a.runner.watch(pid_file_task(folder / "other.pid", true), 1ms, a.keep());
        a.run_until_reaped();
        a.run_until(1);
        REQUIRE(a.all.size() == 1);
        REQUIRE(a.all[0].has_error());
        CHECK(a.all[0].error().message() == "a helper took longer than 1ms");
    }
}

TEST_CASE("a helper that waits for its turn can be called off too", "[helpers]")
{
    const scratch_folder folder;
    answers a;
    std::vector<helper_runner::watch_token> tokens;
    for (int n = 0; n < 258; ++n)
        tokens.push_back(a.runner.watch(pid_file_task(folder / "web.pid", true), infinity, a.keep()));
    CHECK(a.living == 256);
    tokens.erase(tokens.begin() + 256); // in the queue
    tokens.erase(tokens.begin());       // the last one has its turn
    folder.file("web.pid", std::to_string(::getpid()));
    a.run_until(256);
    a.run_until_reaped();
    CHECK(a.started == 257);
    CHECK(a.all.size() == 256);
}

TEST_CASE("answers that are none", "[helpers]")
{
    for (const char* text : {"", "{}", "[]", "7", R"({"pid":"x"})", R"({"condition_met":1})"}) {
        CAPTURE(text);
        CHECK(conditions_answer_from_json(text).has_error());
        CHECK(pid_file_answer_from_json(text).has_error());
    }
}
