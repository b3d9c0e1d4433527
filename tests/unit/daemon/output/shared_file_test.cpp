// Streams that write to one file as their bytes are: each line stays whole.
#include "tests/unit/daemon/output/running_output.h"

#include <algorithm>
#include <optional>
#include <sstream>
#include <string>

using namespace procctl;
using namespace procctl::output_tests;

namespace {

stream_id open(running_output& out, const std::string& path, std::uint64_t max_size = unlimited_size)
{
    stream_settings s;
    s.path = path;
    s.max_size = max_size;
    s.keep = 10'000;
    s.tail_size = 100;
    const auto id = out.client.open(s);
    REQUIRE(id);
    return *id;
}

std::string end_run(running_output& out, stream_id id)
{
    std::optional<std::string> tail;
    out.client.finish(id, {.settled = {}, .tail = [&](std::string t) { tail = std::move(t); }});
    out.until([&] { return tail.has_value(); });
    return *tail;
}

} // namespace

TEST_CASE("a line that is written in pieces is not cut by another stream's", "[output][shared_file]")
{
    const scratch_folder folder;
    running_output out;
    const stream_id a = open(out, folder / "log");
    const stream_id b = open(out, folder / "log");
    put(out.client.write_end(a), "begin");
    put(out.client.write_end(b), "whole\n");
    out.until([&] { return content_of(folder / "log") == "whole\n"; });
    put(out.client.write_end(a), " and end\n");
    out.until([&] { return content_of(folder / "log") == "whole\nbegin and end\n"; });
}

TEST_CASE("a question without an end is seen all the same", "[output][shared_file]")
{
    const scratch_folder folder;
    running_output out;
    const stream_id a = open(out, folder / "log");
    const stream_id b = open(out, folder / "log");
    put(out.client.write_end(a), "password: ");
    SECTION("after a second")
    {
        out.until([&] { return content_of(folder / "log") == "password: "; });
        CHECK(content_of(folder / "log") == "password: ");
    }
    SECTION("when the run ends")
    {
        CHECK(end_run(out, a) == "password: ");
        CHECK(content_of(folder / "log") == "password: ");
    }
    SECTION("when the daemon ends")
    {
        out.drain();
        CHECK(content_of(folder / "log") == "password: ");
    }
    SECTION("when the stream is closed")
    {
        out.client.close(a);
        out.until([&] { return out.client.read_end(a) == -1; });
        CHECK(content_of(folder / "log") == "password: ");
    }
    static_cast<void>(b);
}

TEST_CASE("the last words of a run are its own, whoever else writes to the file", "[output][shared_file]")
{
    const scratch_folder folder;
    running_output out;
    const stream_id a = open(out, folder / "log");
    const stream_id b = open(out, folder / "log");
    put(out.client.write_end(a), "mine\n");
    put(out.client.write_end(b), "yours\n");
    out.drain();
    CHECK(end_run(out, a) == "mine\n");
    CHECK(end_run(out, b) == "yours\n");
    put(out.client.write_end(b), "more of yours\n");
    CHECK(end_run(out, b) == "more of yours\n");
}

TEST_CASE("lines of two that flood stay whole over many rotations", "[output][shared_file]")
{
    const scratch_folder folder;
    running_output out;
    const stream_id a = open(out, folder / "log", 16 << 10);
    const stream_id b = open(out, folder / "log", 16 << 10);
    std::string as, bs;
    for (int n = 0; n < 20'000; ++n) {
        const std::string number = std::to_string(n);
        as += "A" + number + "A\n";
        bs += "B" + number + std::string(static_cast<std::size_t>(n % 100), 'b') + "B\n";
    }
    // In pieces that end anywhere.
    for (std::size_t at = 0; at < std::max(as.size(), bs.size()); at += 7001) {
        if (at < as.size()) put(out.client.write_end(a), std::string_view(as).substr(at, 7001));
        if (at < bs.size()) put(out.client.write_end(b), std::string_view(bs).substr(at, 7001));
    }
    out.drain();
    std::string got_as, got_bs;
    for (int n = 1;; ++n) {
        const std::string rotated = folder / "log." + std::to_string(n);
        const bool is_last = !std::filesystem::exists(rotated);
        std::istringstream lines(content_of(is_last ? folder / "log" : rotated));
        for (std::string line; std::getline(lines, line);)
            (line[0] == 'A' ? got_as : got_bs) += line + "\n";
        if (is_last) break;
    }
    CHECK(got_as == as);
    CHECK(got_bs == bs);
    CHECK(std::filesystem::exists(folder / "log.10"));
}
