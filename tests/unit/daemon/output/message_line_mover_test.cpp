#include "daemon/output/message_line_mover.h"
#include "tests/support/scratch_folder.h"
#include "tests/unit/daemon/output/moved_lines.h"

#include <poll.h>

using namespace procctl;
using namespace procctl::output;
using namespace procctl::output_tests;
using namespace std::string_literals;

namespace {

stream_settings to_journal(const std::string& path)
{
    stream_settings s;
    s.sink = stream_sink::journal;
    s.path = path;
    s.program = "web";
    s.instance = "web@1";
    s.stream = "stdout";
    s.identifier = "web";
    s.tail_size = 8;
    return s;
}

stream_settings to_syslog(const std::string& path)
{
    auto s = to_journal(path);
    s.sink = stream_sink::syslog;
    return s;
}

const auto names = "SYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=web\nPROCCTL_PROGRAM=web\nPROCCTL_INSTANCE=web@1\n"
                   "PROCCTL_STREAM=stdout\n"s;

bool is_writable(int fd)
{
    pollfd one{fd, POLLOUT, 0};
    return ::poll(&one, 1, 0) == 1;
}

struct moving {
    moving(const stream_settings& s) : mover(message_line_mover::make(s)) {}
    outcome take(std::size_t most = 1 << 20) const { return mover->take(pipe.reader(), most, noon); }

    line_pipe pipe;
    std::unique_ptr<line_mover> mover;
    tests::scratch_folder folder;
};

} // namespace

TEST_CASE("each line is a message to the journal", "[lines]")
{
    const tests::scratch_folder folder;
    message_receiver journal(folder / "socket");
    moving m(to_journal(folder / "socket"));
    m.mover->set_pid(17);
    m.pipe.write("<3>bad\n\n<4>\n\0\nfine\nrest"s);
    CHECK(m.take().bytes == 23);
    const auto entry = [](const std::string& level, const std::string& message) {
        return names + "PRIORITY=" + level + "\nSYSLOG_PID=17\nMESSAGE" + message + "\n";
    };
    CHECK(journal.all() == std::vector<std::string>{entry("3", "=bad"), entry("6", "\n\1\0\0\0\0\0\0\0\0"s),
                                                    entry("6", "=fine")});
    CHECK(m.mover->held() == 0);
    CHECK(m.mover->finish(noon).what == status::moved);
    CHECK(journal.all() == std::vector<std::string>{entry("6", "=rest")});
    CHECK(m.mover->tail() == "ine\nrest");
}

TEST_CASE("a long line is several messages of one level", "[lines]")
{
    const tests::scratch_folder folder;
    message_receiver journal(folder / "socket");
    moving m(to_journal(folder / "socket"));
    const std::string line(100'000, 'x');
    m.pipe.write("<4>" + line + "\nnext\n");
    // A queue holds few messages (net.unix.max_dgram_qlen): they are fetched as they come.
    std::vector<std::string> got;
    while (m.take().what != status::pipe_empty)
        for (auto& message : journal.all())
            got.push_back(std::move(message));
    REQUIRE(got.size() == 4);
    const auto warning = names + "PRIORITY=4\n";
    CHECK(got[0] == warning + "PROCCTL_PARTIAL=1\nMESSAGE=" + line.substr(0, 49'149) + "\n");
    CHECK(got[1] == warning + "PROCCTL_PARTIAL=1\nMESSAGE=" + line.substr(0, 49'152) + "\n");
    CHECK(got[2] == warning + "MESSAGE=" + line.substr(0, 1699) + "\n");
    CHECK(got[3] == names + "PRIORITY=6\nMESSAGE=next\n");
}

TEST_CASE("without level prefixes they are text", "[lines]")
{
    const tests::scratch_folder folder;
    message_receiver log(folder / "socket");
    auto settings = to_syslog(folder / "socket");
    settings.has_level_prefix = false;
    settings.facility = 16;
    settings.level = 5;
    moving m(settings);
    m.pipe.write("<3>text\n");
    CHECK(m.take().what == status::moved);
    const auto got = log.next();
    REQUIRE(got);
    CHECK(got->starts_with("<133>Nov "));
    CHECK(got->ends_with(" web: <3>text"));
}

TEST_CASE("syslog gets pieces that its daemons take", "[lines]")
{
    const tests::scratch_folder folder;
    message_receiver log(folder / "socket");
    moving m(to_syslog(folder / "socket"));
    m.mover->set_pid(17);
    m.pipe.write("<3>" + std::string(16'000, 'x') + "\n");
    CHECK(m.take().what == status::moved);
    const auto got = log.all();
    REQUIRE(got.size() == 3);
    for (const auto& message : got) {
        CHECK(message.starts_with("<27>Nov 20 "));
        CHECK(message.find(" web[17]: x") != std::string::npos);
    }
    CHECK(got[2].ends_with(": xxx"));
}

TEST_CASE("a socket whose reader is slow", "[lines]")
{
    const tests::scratch_folder folder;
    message_receiver journal(folder / "socket");
    moving m(to_journal(folder / "socket"));
    std::string all, expected;
    for (int i = 0; i < 5000; ++i)
        expected += std::to_string(i) + "\n";
    m.pipe.write(expected);
    std::size_t taken = 0;
    int refusals = 0;
    for (;;) {
        const auto o = m.take();
        taken += o.bytes;
        if (o.what == status::pipe_empty) break;
        if (o.what == status::target_full) {
            ++refusals;
            REQUIRE(m.mover->descriptor() >= 0);
            REQUIRE_FALSE(is_writable(m.mover->descriptor()));
            REQUIRE(m.mover->held() > 0);
        }
        for (const auto& message : journal.all())
            all += message.substr(message.find("MESSAGE=") + 8);
        if (o.what == status::target_full) REQUIRE(is_writable(m.mover->descriptor()));
    }
    CHECK(refusals > 0);
    CHECK(taken == expected.size());
    CHECK(all == expected);
}

TEST_CASE("a socket that is missing, and one that is made anew", "[lines]")
{
    const tests::scratch_folder folder;
    moving m(to_journal(folder / "socket"));
    m.pipe.write("1\n");
    const auto missing = m.take();
    CHECK(missing.what == status::cannot_open);
    CHECK(missing.errno_value == ENOENT);
    CHECK(missing.bytes == 0);
    CHECK(m.mover->held() == 2);
    {
        message_receiver first(folder / "socket");
        CHECK(m.take().bytes == 2);
        CHECK(first.all().size() == 1);
    }
    m.pipe.write("2\n");
    CHECK(m.take().what == status::cannot_open);
    {
        message_receiver second(folder / "socket");
        CHECK(m.take().bytes == 2);
        CHECK(second.all().size() == 1);
        m.pipe.write("3\n");
        CHECK(m.take().what == status::moved);
    }
    {
        // Between two messages: nobody notices.
        message_receiver third(folder / "socket");
        m.pipe.write("4\n");
        CHECK(m.take().what == status::moved);
        CHECK(third.all().size() == 1);
    }
    // A socket that nobody has: its owner was killed.
    {
        const std::string path = folder / "socket";
        std::filesystem::rename(folder.file("plain", ""), path);
        m.pipe.write("5\n");
        const auto refused = m.take();
        CHECK(refused.what == status::cannot_open);
        CHECK(refused.errno_value == ECONNREFUSED);
        m.mover->drop_held();
        CHECK(m.mover->held() == 0);
    }
}

TEST_CASE("a path that is too long for a socket is an error", "[lines]")
{
    moving m(to_journal("/" + std::string(200, 'x')));
    m.pipe.write("1\n");
    const auto o = m.take();
    CHECK(o.what == status::cannot_open);
    CHECK(o.errno_value == ENAMETOOLONG);
}

TEST_CASE("a message that is too large for the socket goes in a memfd", "[lines]")
{
    const tests::scratch_folder folder;
    message_receiver journal(folder / "socket");
    datagram_target target(folder / "socket");
    REQUIRE(target.send("small").what == status::moved);
    const int smallest = 1; // the kernel makes it some kilobytes (socket(7))
    REQUIRE(::setsockopt(target.descriptor(), SOL_SOCKET, SO_SNDBUF, &smallest, sizeof smallest) == 0);
    const std::string large(100'000, 'x');
    REQUIRE(target.send(large).what == status::moved);
    CHECK(journal.all() == std::vector<std::string>{"small", large});
    CHECK(journal.memfds == 1);
}

TEST_CASE("the system's log may be a stream", "[lines]")
{
    const tests::scratch_folder folder;
    const auto path = folder / "log";
    auto log = std::make_unique<message_receiver>(path, SOCK_STREAM);
    moving m(to_syslog(path));
    m.pipe.write("one\ntwo\n");
    CHECK(m.take().what == status::moved);
    auto connection = log->accept();
    REQUIRE(connection);
    std::string bytes(4'000'000, '\0');
    const auto read_some = [&](std::size_t most) {
        const auto n = ::read(connection.get(), bytes.data(), most);
        return bytes.substr(0, n > 0 ? static_cast<std::size_t>(n) : 0);
    };
    const auto two = read_some(1000);
    CHECK(std::ranges::count(two, '\0') == 2);
    CHECK(two.ends_with(" web: two\0"s));

    SECTION("of which a message may be sent in parts")
    {
        std::string all, text;
        std::string expected;
        for (int i = 0; i < 100; ++i)
            expected += std::string(7000, static_cast<char>('a' + i % 26)) + "\n";
        m.pipe.write(expected);
        int refusals = 0;
        for (;;) {
            const auto o = m.take();
            if (o.what == status::pipe_empty) break;
            if (o.what == status::target_full) ++refusals;
            all += read_some(10'000);
        }
        CHECK(refusals > 0);
        CHECK(m.mover->held() == 0);
        for (auto some = read_some(100'000); !some.empty(); some = read_some(100'000))
            all += some;
        for (std::size_t at = 0, end = 0; (end = all.find('\0', at)) != std::string::npos; at = end + 1)
            text += all.substr(at, end - at).substr(all.substr(at, end - at).find(": ") + 2) + "\n";
        CHECK(text == expected);
    }
    SECTION("and that may be started again")
    {
        connection.reset();
        log.reset();
        message_receiver next(path); // with another type, even
        m.pipe.write("three\n");
        CHECK(m.take().what == status::moved);
        const auto got = next.all();
        REQUIRE(got.size() == 1);
        CHECK(got[0].ends_with(" web: three"));
    }
}
