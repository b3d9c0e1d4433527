// Streams that are moved line by line, through a real output process.
#include "daemon/output/record.h"
#include "tests/unit/daemon/output/moved_lines.h"
#include "tests/unit/daemon/output/running_output.h"

#include <boost/json.hpp>

#include <fcntl.h>
#include <sys/stat.h>

using namespace procctl;
using namespace procctl::output_tests;

namespace {

stream_settings to_file(const std::string& path)
{
    stream_settings s;
    s.path = path;
    s.program = s.identifier = "web";
    s.instance = "web@1";
    s.stream = "stdout";
    s.tail_size = 100;
    return s;
}

stream_settings as_json(const std::string& path)
{
    auto s = to_file(path);
    s.format = log_format::json;
    return s;
}

stream_settings to_journal(const std::string& path)
{
    auto s = to_file(path);
    s.sink = stream_sink::journal;
    return s;
}

std::vector<std::string> messages_in(const std::string& log)
{
    std::vector<std::string> messages;
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = log.find('\n', begin)) != std::string::npos; begin = end + 1)
        messages.emplace_back(
            boost::json::parse(std::string_view(log).substr(begin, end - begin)).at("message").as_string());
    CHECK(begin == log.size());
    return messages;
}

// What `log` has without the time before each line.
std::string without_times(const std::string& log)
{
    constexpr std::size_t time_size = 28;
    std::string lines;
    for (std::size_t begin = 0, end = 0; begin < log.size(); begin = end) {
        end = log.find('\n', begin) + 1;
        REQUIRE(end != 0);
        REQUIRE(end - begin > time_size);
        lines += log.substr(begin + time_size, end - begin - time_size);
    }
    return lines;
}

std::string message_of(const std::string& entry) { return entry.substr(entry.find("MESSAGE=") + 8); }

std::string end_run(running_output& out, stream_id id)
{
    bool is_settled = false;
    std::optional<std::string> tail;
    out.client.finish(id, {.settled = [&] { is_settled = true; }, .tail = [&](std::string t) { tail = t; }});
    out.until([&] { return is_settled && tail; });
    return *tail;
}

} // namespace

TEST_CASE("the last line of a run is a line, whether it has an end or not", "[output][lines]")
{
    const scratch_folder folder;
    running_output out;
    const stream_id id = out.open(as_json(folder / "log"));
    put(out.client.write_end(id), "one\nhalf");
    out.drain(); // an unfinished line holds up nobody
    CHECK(messages_in(content_of(folder / "log")) == std::vector<std::string>{"one"});
    CHECK(end_run(out, id) == "one\nhalf");
    put(out.client.write_end(id), "two\n");
    CHECK(end_run(out, id) == "two\n");
    CHECK(messages_in(content_of(folder / "log")) == std::vector<std::string>{"one", "half", "two"});
    put(out.client.write_end(id), "last");
    SECTION("when the stream is closed")
    {
        out.client.close(id);
        out.until([&] { return out.client.read_end(id) == -1; });
    }
    SECTION("when the output process is told to stop") { out.stop(); }
    CHECK(messages_in(content_of(folder / "log")) == std::vector<std::string>{"one", "half", "two", "last"});
}

TEST_CASE("the end of a run ends its own line, not one of the next run", "[output][lines]")
{
    const scratch_folder folder;
    running_output out;
    const stream_id id = out.open(as_json(folder / "log"));
    const auto messages = [&] { return messages_in(content_of(folder / "log")); };
    out.client.set_run(id, true);
    put(out.client.write_end(id), "one\nhalf");
    SECTION("when it is known what is whose")
    {
        out.until([&] {
            const auto process = output::read_slot(out.client.record(), 0);
            const auto mine = output::read_slot(out.client.record(), out.client.slot(id));
            return process && process->state == output::slot_state::process && process->since == 0 && mine &&
                   mine->moved == std::string_view("one\nhalf").size();
        });
        REQUIRE(::kill(out.process_id(), SIGSTOP) == 0);
        out.client.set_run(id, false);
        out.client.set_run(id, true);
        put(out.client.write_end(id), "the beginning");
        std::optional<std::string> tail;
        out.client.finish(id, {.settled = {}, .tail = [&](std::string t) { tail = std::move(t); }});
        REQUIRE(::kill(out.process_id(), SIGCONT) == 0);
        out.until([&] { return tail.has_value(); });
        put(out.client.write_end(id), " and the end\n");
        out.drain();
        CHECK(messages() == std::vector<std::string>{"one", "half", "the beginning and the end"});
    }
    SECTION("when the next one's has been read")
    {
        put(out.client.write_end(id), " line\n");
        out.drain();
        out.client.set_run(id, false);
        out.client.set_run(id, true);
        put(out.client.write_end(id), "the beginning");
        out.drain();
        static_cast<void>(end_run(out, id));
        put(out.client.write_end(id), " and the end\n");
        out.drain();
        CHECK(messages() == std::vector<std::string>{"one", "half line", "the beginning and the end"});
    }
    SECTION("and none while the run goes on: what has ended is a command beside it")
    {
        out.drain();
        static_cast<void>(end_run(out, id));
        put(out.client.write_end(id), " line\n");
        out.drain();
        CHECK(messages() == std::vector<std::string>{"one", "half line"});
    }
}

TEST_CASE("lines to a FIFO that nobody reads wait, and none is lost", "[output][lines]")
{
    const scratch_folder folder;
    REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
    auto settings = to_file(folder / "fifo");
    settings.timestamps = log_timestamps::iso;
    running_output out;
    const stream_id id = out.open(settings);
    const stream_id other = out.open(as_json(folder / "other"));
    std::string expected;
    for (int i = 0; expected.size() < 150'000; ++i)
        expected += "line " + std::to_string(i) + "\n";
    const int to = out.client.write_end(id);
    ::fcntl(to, F_SETFL, O_NONBLOCK);
    const unique_fd reader(::open((folder / "fifo").c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    std::string got;
    std::size_t written = 0;
    bool is_reading = false;
    std::vector<char> some(65'536);
    out.until([&] {
        const ssize_t n =
            ::write(to, expected.data() + written, std::min<std::size_t>(expected.size() - written, 4000));
        if (n > 0) written += static_cast<std::size_t>(n);
        if (!is_reading && n < 0) { // all is full
            put(out.client.write_end(other), "meanwhile\n");
            out.until([&] { return !content_of(folder / "other").empty(); });
            is_reading = true;
        }
        if (written == expected.size()) is_reading = true;
        const ssize_t count = is_reading ? ::read(reader.get(), some.data(), some.size()) : 0;
        if (count > 0) got.append(some.data(), static_cast<std::size_t>(count));
        return written == expected.size() &&
               got.size() == expected.size() + 28 * std::size_t(std::ranges::count(expected, '\n'));
    });
    CHECK(without_times(got) == expected);
}

TEST_CASE("a journal that comes late, and goes, gets every line once", "[output][lines]")
{
    const scratch_folder folder;
    running_output out;
    const stream_id id = out.open(to_journal(folder / "socket"));
    put(out.client.write_end(id), "1\n2\n");
    out.until([&] { return !out.reports.empty(); });
    CHECK(out.reports[0].what == stream_report::kind::trouble);
    CHECK(out.reports[0].errno_value == ENOENT);
    std::vector<std::string> got;
    const auto receive = [&](message_receiver& journal, std::size_t count) {
        out.until([&] {
            for (const auto& entry : journal.all())
                got.push_back(message_of(entry));
            return got.size() >= count;
        });
    };
    {
        message_receiver journal(folder / "socket");
        receive(journal, 2);
        out.until([&] { return out.client.health(id).trouble.empty(); });
        put(out.client.write_end(id), "3\n");
        receive(journal, 3);
    }
    std::string many;
    std::vector<std::string> expected{"1\n", "2\n", "3\n"};
    for (int i = 4; i < 2000; ++i) {
        expected.push_back(std::to_string(i) + "\n");
        many += expected.back();
    }
    put(out.client.write_end(id), many);
    message_receiver journal(folder / "socket");
    receive(journal, expected.size());
    CHECK(got == expected);
}

TEST_CASE("an output process that is killed doubles no line", "[output][lines]")
{
    const scratch_folder folder;
    running_output out;
    const stream_id id = out.open(as_json(folder / "log"));
    int next = 0;
    for (unsigned round = 1; round <= 5; ++round) {
        for (int i = 0; i < 2000; ++i)
            put(out.client.write_end(id), std::to_string(next++) + "\n");
        out.kill_process();
        out.until([&] { return out.deaths == round && out.process_id() != 0; });
    }
    put(out.client.write_end(id), "\nend\n"); // what was cut may stand before it
    out.drain();
    std::string log = content_of(folder / "log");
    int last = -1;
    for (std::size_t begin = 0, end = 0; (end = log.find('\n', begin)) != std::string::npos;
         begin = end + 1) {
        boost::system::error_code problem;
        const auto object = boost::json::parse(log.substr(begin, end - begin), problem);
        if (problem) continue;
        const std::string message(object.at("message").as_string());
        if (message.empty() || message == "end") continue;
        if (std::stoi(message) <= last) FAIL(message << " after " << last);
        last = std::stoi(message);
    }
    CHECK(log.find("\"end\"") != std::string::npos);
}

TEST_CASE("lines that are dropped are counted", "[output][lines]")
{
    running_output out;
    auto settings = as_json("/dev/full");
    settings.on_error = log_error_action::drop;
    const stream_id id = out.open(settings);
    for (std::uint64_t size = 0; size < 50'000; size += 500) {
        put(out.client.write_end(id), std::string(499, 'x') + "\n");
        if (size % 5000 == 0) out.drain();
    }
    out.until([&] { return out.client.health(id).dropped == 50'000; });
    CHECK(out.client.health(id).trouble.find("No space left") != std::string::npos);
}
