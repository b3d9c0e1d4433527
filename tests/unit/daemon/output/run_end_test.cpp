// The ends of runs: what was written before one is where it belongs when the end is told, and its last bytes
// are known.
#include "tests/unit/daemon/output/running_output.h"

#include <optional>
#include <string>

using namespace procctl;
using namespace procctl::output_tests;

namespace {

stream_settings file_with_tail(const std::string& path, std::uint32_t tail_size = 10)
{
    stream_settings s;
    s.path = path;
    s.tail_size = tail_size;
    return s;
}

stream_id open(running_output& out, const stream_settings& s)
{
    const auto id = out.client.open(s);
    REQUIRE(id);
    return *id;
}

struct told_end {
    bool is_settled = false;
    std::optional<std::string> tail;

    void begin(running_output& out, stream_id id)
    {
        out.client.finish(id, {.settled = [this] { is_settled = true; },
                               .tail = [this](std::string t) { tail = std::move(t); }});
    }
};

} // namespace

TEST_CASE("what a run wrote is in its file when its end is told", "[output][run_end]")
{
    const scratch_folder folder;
    running_output out;
    const stream_id id = open(out, file_with_tail(folder / "log"));
    put(out.client.write_end(id), "first words, last words");
    told_end end;
    end.begin(out, id);
    CHECK_FALSE(end.is_settled);
    out.until([&] { return end.is_settled; });
    CHECK(content_of(folder / "log") == "first words, last words");
    CHECK(end.tail == "last words");
}

TEST_CASE("a run's last words are its own", "[output][run_end]")
{
    const scratch_folder folder;
    running_output out;
    const stream_id id = open(out, file_with_tail(folder / "log", 100));
    for (const char* const words : {"one\n", "two\n", "three\n"}) {
        put(out.client.write_end(id), words);
        told_end end;
        end.begin(out, id);
        out.until([&] { return end.is_settled; });
        CHECK(end.tail == words);
    }
}

TEST_CASE("a run that wrote nothing is not asked about", "[output][run_end]")
{
    const scratch_folder folder;
    running_output out;
    const stream_id id = open(out, file_with_tail(folder / "log"));
    put(out.client.write_end(id), "said\n");
    told_end first;
    first.begin(out, id);
    out.until([&] { return first.is_settled; });
    // Until the process has said that it rests, it may be about to move something.
    out.drain();
    bool was_silent = false;
    out.until([&] {
        told_end second;
        second.begin(out, id);
        was_silent = second.is_settled;
        if (!was_silent) out.until([&] { return second.is_settled; });
        CHECK(second.tail.value_or("") == "");
        return was_silent;
    });
    CHECK(was_silent);

    put(out.client.write_end(id), "and more\n");
    told_end third;
    third.begin(out, id);
    CHECK_FALSE(third.is_settled);
    out.until([&] { return third.is_settled; });
    CHECK(third.tail == "and more\n");
}

TEST_CASE("last words that wait for their target are known all the same", "[output][run_end]")
{
    const scratch_folder folder;
    running_output out;
    std::filesystem::create_directory(folder / "log"); // which cannot be written
    const stream_id id = open(out, file_with_tail(folder / "log", 100));
    put(out.client.write_end(id), "nobody hears me\n");
    out.until([&] { return !out.reports.empty(); });
    told_end end;
    end.begin(out, id);
    out.until([&] { return end.is_settled; });
    CHECK(end.tail == "nobody hears me\n");

    std::filesystem::remove(folder / "log");
    out.client.reopen_all();
    put(out.client.write_end(id), "now they do\n");
    out.drain();
    told_end next;
    next.begin(out, id);
    out.until([&] { return next.is_settled; });
    CHECK(content_of(folder / "log") == "nobody hears me\nnow they do\n");
    CHECK(next.tail == "now they do\n");
}

TEST_CASE("who waits for a stream that is closed is told", "[output][run_end]")
{
    const scratch_folder folder;
    running_output out;
    const stream_id id = open(out, file_with_tail(folder / "log"));
    put(out.client.write_end(id), "bye\n");
    told_end end;
    end.begin(out, id);
    out.client.close(id);
    out.until([&] { return end.is_settled; });
    told_end late;
    late.begin(out, id + 1000);
    CHECK(late.is_settled);
}
