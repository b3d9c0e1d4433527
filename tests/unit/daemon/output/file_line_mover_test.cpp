#include "daemon/output/file_line_mover.h"
#include "tests/unit/daemon/output/moved_lines.h"

#include <boost/json.hpp>

#include <stdlib.h>

using namespace procctl;
using namespace procctl::output;
using namespace procctl::output_tests;
using namespace std::string_literals;

namespace {

constexpr auto stamp = "2026-11-20T17:56:29.123456Z ";

stream_settings with_times(log_timestamps times = log_timestamps::iso)
{
    stream_settings s;
    s.timestamps = times;
    s.tail_size = 16;
    return s;
}

stream_settings as_json()
{
    stream_settings s;
    s.format = log_format::json;
    s.program = "web";
    s.instance = "web@1";
    s.stream = "stdout";
    s.tail_size = 16;
    return s;
}

// The messages of a JSON log put together again: lines, each with its newline.
std::string bytes_of(const std::string& log)
{
    std::string bytes;
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = log.find('\n', begin)) != std::string::npos; begin = end + 1) {
        const auto object = boost::json::parse(std::string_view(log).substr(begin, end - begin)).as_object();
        const auto& message = object.at("message");
        if (message.is_string())
            bytes += std::string_view(message.as_string());
        else
            for (const auto& number : message.as_array())
                bytes += static_cast<char>(number.to_number<unsigned char>());
        if (!object.contains("partial")) bytes += '\n';
    }
    CHECK(begin == log.size());
    return bytes;
}

struct moving {
    explicit moving(const stream_settings& s)
        : mover(file_line_mover::make(s, std::make_unique<fake_sink>(sink)))
    {
    }
    outcome take(std::size_t most = 1 << 20) const { return mover->take(pipe.reader(), most, noon); }

    sink_state sink;
    line_pipe pipe;
    std::unique_ptr<file_line_mover> mover;
};

} // namespace

TEST_CASE("each line of text gets its time", "[lines]")
{
    moving m(with_times());
    m.pipe.write("one\n\ntwo\r\n\0\xff\n"s);
    CHECK(m.take().bytes == 13);
    CHECK(m.sink.content == stamp + "one\n"s + stamp + "\n" + stamp + "two\r\n" + stamp + "\0\xff\n"s);
    CHECK(m.sink.puts == 1);
    CHECK(m.take().what == status::pipe_empty);
    m.pipe.close_writer();
    CHECK(m.take().what == status::pipe_ended);
    CHECK(m.mover->held() == 0);
    CHECK(m.mover->tail() == "one\n\ntwo\r\n\0\xff\n"s);
}

TEST_CASE("a line of text without an end waits for it", "[lines]")
{
    moving m(with_times());
    for (const char* const part : {"be", "gin", "ning"}) {
        m.pipe.write(part);
        CHECK(m.take().what == status::moved);
    }
    CHECK(m.sink.content.empty());
    CHECK(m.mover->held() == 0); // nobody has refused it
    CHECK(m.mover->tail() == "beginning");
    SECTION("and ends when the program does")
    {
        CHECK(m.mover->finish(noon).what == status::moved);
        CHECK(m.mover->finish(noon).what == status::moved);
        CHECK(m.sink.content == stamp + "beginning\n"s);
    }
    SECTION("which may be refused at first")
    {
        m.sink.room = 0;
        CHECK(m.mover->finish(noon).what == status::target_full);
        CHECK(m.mover->held() > 0);
        m.sink.room = 1000;
        m.pipe.write("next\n");
        CHECK(m.take().bytes == 5);
        CHECK(m.sink.content == stamp + "beginning\n"s + stamp + "next\n");
    }
    SECTION("and goes on when the program does")
    {
        m.pipe.write(" and end\nnext");
        CHECK(m.take().what == status::moved);
        CHECK(m.sink.content == stamp + "beginning and end\n"s);
    }
}

TEST_CASE("a very long line of text is not cut", "[lines]")
{
    moving m(with_times());
    const std::string line(200'000, 'x');
    m.pipe.write(line);
    CHECK(take_all(*m.mover, m.pipe) == line.size());
    CHECK(m.sink.content.size() > 100'000);
    m.pipe.write("\n");
    CHECK(take_all(*m.mover, m.pipe) == 1);
    CHECK(m.sink.content == stamp + line + "\n");
}

TEST_CASE("local time says its offset", "[lines]")
{
    const char* const old = ::getenv("TZ");
    const std::optional<std::string> zone = old ? std::optional<std::string>(old) : std::nullopt;
    ::setenv("TZ", "TST-1", 1);
    for (const auto& settings : {with_times(log_timestamps::local), [] {
                                     auto s = as_json();
                                     s.timestamps = log_timestamps::local;
                                     return s;
                                 }()}) {
        moving m(settings);
        m.pipe.write("x\n");
        // A time of its own: offsets are remembered for a second, of whichever zone.
        const auto o = m.mover->take(m.pipe.reader(), 100, noon + std::chrono::seconds(60));
        CHECK(o.what == status::moved);
        CHECK(m.sink.content.find("2026-11-20T18:57:29.123456+01:00") != std::string::npos);
    }
    if (zone)
        ::setenv("TZ", zone->c_str(), 1);
    else
        ::unsetenv("TZ");
}

TEST_CASE("each line becomes a JSON object", "[lines]")
{
    moving m(as_json());
    m.mover->set_pid(17);
    m.pipe.write("<3>one\n\xff\nrest");
    CHECK(m.take().bytes == 13);
    const auto head = R"({"time":"2026-11-20T17:56:29.123456Z","program":"web","instance":"web@1",)"
                      R"("stream":"stdout","pid":17,"message":)"s;
    CHECK(m.sink.content == head + "\"<3>one\"}\n" + head + "[255]}\n");
    CHECK(m.mover->held() == 0);
    CHECK(m.mover->finish(noon).what == status::moved);
    CHECK(m.sink.content.ends_with(head + "\"rest\"}\n"));
    CHECK(m.mover->finish(noon).what == status::moved);
    CHECK(bytes_of(m.sink.content) == "<3>one\n\xff\nrest\n");
}

TEST_CASE("a long line is several JSON objects", "[lines]")
{
    const auto size = GENERATE(65'536, 65'537, 1 << 20);
    const auto fill = GENERATE('x', '\xff', '\1');
    moving m(as_json());
    const std::string line(static_cast<std::size_t>(size), fill);
    for (std::size_t at = 0; at < line.size(); at += 50'000) {
        m.pipe.write(std::string_view(line).substr(at, 50'000));
        CHECK(m.take().what == status::moved);
    }
    const bool has_newline = GENERATE(true, false);
    if (has_newline) m.pipe.write("\n");
    CHECK(take_all(*m.mover, m.pipe) == (has_newline ? 1 : 0));
    CHECK(m.mover->finish(noon).what == status::moved);
    CHECK(bytes_of(m.sink.content) == line + "\n");
    CHECK(std::ranges::count(m.sink.content, '\n') == (size + 65'535) / 65'536);
}

TEST_CASE("however bytes arrive and however much the sink takes, the log is the same", "[lines]")
{
    const std::string bytes = "one\n\n\xff\0\n\u00e4\r\n<3>two\n"s + std::string(70'000, 'y') + "\nend";
    const auto settings = GENERATE(with_times(), as_json());
    const auto part = static_cast<std::size_t>(GENERATE(1, 7, 4096, 65'536, 100'000));
    const auto room = std::max<std::size_t>(GENERATE(5, 1000, 100'000), part < 7 ? 1000 : 1); // else slow
    moving whole(settings);
    whole.pipe.write(bytes);
    REQUIRE(take_all(*whole.mover, whole.pipe) == bytes.size());
    REQUIRE(whole.mover->finish(noon).what == status::moved);

    moving m(settings);
    std::size_t taken = 0;
    m.sink.room = 0;
    const auto carry_on = [&](const outcome& o) {
        taken += o.bytes;
        if (o.what == status::target_full) {
            REQUIRE(m.mover->held() > 0);
            m.sink.room = room;
        }
        return o.what;
    };
    for (std::size_t at = 0; at < bytes.size(); at += part) {
        m.pipe.write(std::string_view(bytes).substr(at, part));
        while (carry_on(m.take(part)) != status::pipe_empty) {
        }
    }
    while (carry_on(m.mover->finish(noon)) != status::moved) {
    }
    carry_on(m.take()); // what was passed on by finish()
    CHECK(taken == bytes.size());
    CHECK(m.mover->held() == 0);
    CHECK(m.sink.content == whole.sink.content);
}

TEST_CASE("nothing is read while something is refused", "[lines]")
{
    moving m(GENERATE(with_times(), as_json()));
    m.sink.room = 0;
    m.sink.refusal = status::cannot_write;
    m.sink.errno_value = ENOSPC;
    m.pipe.write("1\n2\n");
    const auto first = m.take(2);
    CHECK(first.what == status::cannot_write);
    CHECK(first.errno_value == ENOSPC);
    CHECK(first.bytes == 0);
    CHECK(m.mover->held() == 2);
    CHECK(m.take().bytes == 0);
    CHECK(m.mover->finish(noon).what == status::cannot_write);
    SECTION("it is written once there is room, with the time at which it was read")
    {
        m.sink.room = 1 << 20;
        const auto next = m.mover->take(m.pipe.reader(), 100, noon + std::chrono::seconds(5));
        CHECK(next.what == status::moved);
        CHECK(next.bytes == 4);
        CHECK(m.sink.asked_at == noon + std::chrono::seconds(5)); // the file's age goes by the clock
        CHECK(m.sink.content.find(":29.123456Z") < m.sink.content.find(":34.123456Z"));
    }
    SECTION("it can be dropped")
    {
        m.mover->drop_held();
        CHECK(m.mover->held() == 0);
        m.sink.room = 1 << 20;
        CHECK(m.take().bytes == 2);
        CHECK(std::ranges::count(m.sink.content, '\n') == 1);
        CHECK(m.sink.content.find('2', 28) != std::string::npos);
    }
}

TEST_CASE("what is dropped leaves no half line", "[lines]")
{
    SECTION("a JSON object that was begun is completed")
    {
        moving m(as_json());
        m.sink.room = 10;
        m.pipe.write("1\n2\n");
        CHECK(m.take().what == status::target_full);
        m.mover->drop_held();
        CHECK(m.mover->held() == 0);
        m.sink.room = 1 << 20;
        m.pipe.write("3\n");
        CHECK(take_all(*m.mover, m.pipe) == 2);
        CHECK(bytes_of(m.sink.content) == "1\n3\n");
    }
    SECTION("a line of text that was begun is completed")
    {
        moving m(with_times());
        m.sink.room = 30;
        m.pipe.write("12345\n67\n89");
        CHECK(m.take().what == status::target_full);
        m.mover->drop_held();
        m.sink.room = 1 << 20;
        m.pipe.write("next\n");
        CHECK(take_all(*m.mover, m.pipe) == 5);
        CHECK(m.sink.content == stamp + "12345\n"s + stamp + "next\n");
    }
    SECTION("a line of which no end has come ends there")
    {
        moving m(with_times());
        m.sink.room = 30;
        m.pipe.write(std::string(70'000, 'x'));
        while (m.take().what != status::target_full) {
        }
        m.mover->drop_held();
        m.sink.room = 1 << 20;
        m.pipe.write("678\n9\n");
        CHECK(take_all(*m.mover, m.pipe) == 65'536 + 6); // the first read was not refused
        CHECK(m.sink.content == stamp + "xx\n"s + stamp + "678\n" + stamp + "9\n");
    }
}

TEST_CASE("many short lines are few writes, and memory stays small when the sink is full", "[lines]")
{
    moving m(as_json());
    m.pipe.write(std::string(65'536, '\n'));
    SECTION("taken")
    {
        CHECK(take_all(*m.mover, m.pipe) == 65'536);
        CHECK(std::ranges::count(m.sink.content, '\n') == 65'536);
        CHECK(static_cast<std::size_t>(m.sink.puts) <= m.sink.content.size() / 65'536 + 1);
    }
    SECTION("refused")
    {
        m.sink.room = 0;
        CHECK(m.take().what == status::target_full);
        CHECK(m.mover->held() < 200'000);
    }
}
