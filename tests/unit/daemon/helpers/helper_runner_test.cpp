// Tasks run for real: this test program is its own helper, as the daemon is.
#include "daemon/helpers/helper_main.h"
#include "daemon/helpers/helper_runner.h"
#include "daemon/os/descriptor_message.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"
#include "tests/unit/daemon/helpers/helper_loop.h"

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace procctl;
using namespace procctl::tests;
using namespace std::chrono_literals;

namespace {

// One message with more descriptors than a helper may send.
void send_four(int fd)
{
    std::array<int, 4> passed;
    passed.fill(fd);
    char byte = 'x';
    iovec data{&byte, 1};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof passed)> control{};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* const head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof passed);
    std::memcpy(CMSG_DATA(head), passed.data(), sizeof passed);
    ::sendmsg(STDOUT_FILENO, &message, MSG_NOSIGNAL);
}

// A task that sends the FIFO it is given, opened for writing, as no task of ours would.
int misbehave(const std::string& how, const std::string& fifo)
{
    const unique_fd file(::open(fifo.c_str(), O_WRONLY | O_CLOEXEC));
    const std::array<int, 2> two = {file.get(), file.get()};
    const auto send = [&](std::string_view text) {
        return send_with_descriptors(STDOUT_FILENO, text, two).has_value();
    };
    if (how == "not at all") return send("hello") ? 0 : 1;
    if (how == "four at once") send_four(file.get());
    if (how == "two and two") send("a"), send("b");
    if (how == "babble")
        while (send("x"))
            ;
    if (how == "flood")
        for (const std::string text(4096, 'x'); send_with_descriptors(STDOUT_FILENO, text, {});)
            ;
    if (how == "hang" && send("x")) ::pause();
    if (how == "die" && send("x")) ::raise(SIGKILL);
    if (how == "fail" && send("x")) return 3;
    return 0;
}

// Before Catch's main function sees the arguments, and after <iostream> is ready.
const bool is_no_helper = [] {
    std::ifstream file("/proc/self/cmdline");
    std::vector<std::string> words;
    for (std::string word; std::getline(file, word, '\0');)
        words.push_back(word);
    if (words.size() < 2 || words[1] != "--helper") return true;
    const std::vector<std::string> task(words.begin() + 2, words.end());
    ::_exit(task.front() == "misbehave" ? misbehave(task.at(1), task.at(2)) : helper_main(task));
}();

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

namespace {

// Who has the FIFO open for writing: nobody, once all descriptors of a misbehaving helper are closed.
class watched_fifo {
public:
    explicit watched_fifo(std::string path) : path_(std::move(path))
    {
        REQUIRE(::mkfifo(path_.c_str(), 0600) == 0);
        reader_.reset(::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
        REQUIRE(reader_);
    }
    [[nodiscard]] bool has_writer() const
    {
        char byte = 0;
        return ::read(reader_.get(), &byte, 1) != 0;
    }
    [[nodiscard]] std::vector<std::string> task(const std::string& how) const
    {
        return {"misbehave", how, path_};
    }

private:
    std::string path_;
    unique_fd reader_;
};

} // namespace

TEST_CASE("a helper brings descriptors", "[helpers][descriptors]")
{
    const scratch_folder folder;
    const watched_fifo fifo(folder / "fifo");
    answers a;
    const auto token = a.runner.fetch(fifo.task("not at all"), 60s, a.keep_delivery());
    a.run_until(1);
    a.run_until_reaped();
    REQUIRE(a.deliveries[0]);
    helper_delivery& brought = *a.deliveries[0];
    CHECK(brought.text == "hello");
    REQUIRE(brought.descriptors.size() == 2);
    CHECK((::fcntl(brought.descriptors[0], F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(fifo.has_writer());
    brought.descriptors = {};
    CHECK_FALSE(fifo.has_writer());
}

TEST_CASE("what a helper brings unasked is closed", "[helpers][descriptors]")
{
    const scratch_folder folder;
    const watched_fifo fifo(folder / "fifo");
    const std::string too_many =
        "a helper sent more descriptors than 3, or than there is room for (RLIMIT_NOFILE)";
    answers a;
    const auto [how, limit, message] = GENERATE_COPY(
        table<std::string, duration, std::string>({{"four at once", 60s, too_many},
                                                   {"two and two", 60s, too_many},
                                                   {"babble", 60s, too_many},
                                                   {"flood", 60s, "a helper wrote more than 64K"},
                                                   {"hang", 50ms, "a helper took longer than 50ms"},
                                                   {"die", 60s, "a helper process killed by SIGKILL"},
                                                   {"fail", 60s, "a helper process exited with status 3"}}));
    CAPTURE(how);
    const auto token = a.runner.fetch(fifo.task(how), limit, a.keep_delivery());
    a.run_until(1);
    a.run_until_reaped();
    REQUIRE(a.deliveries.size() == 1);
    REQUIRE(a.deliveries[0].has_error());
    CHECK(a.deliveries[0].error().message() == message);
    CHECK_FALSE(fifo.has_writer());
}

TEST_CASE("a helper that is called off has brought nothing", "[helpers][descriptors]")
{
    const scratch_folder folder;
    const watched_fifo fifo(folder / "fifo");
    answers a;
    {
        const auto token = a.runner.fetch(fifo.task("hang"), 60s, a.keep_delivery());
        while (!fifo.has_writer()) // it may have sent, or be about to
            a.io.poll();
    }
    a.run_until_reaped();
    CHECK(a.deliveries.empty());
    CHECK_FALSE(fifo.has_writer());
}
