#include "common/time_marks.h"
#include "tests/support/catch.h"

#include <cstring>
#include <string>

using namespace procctl;

namespace {

std::string file_of(std::uint64_t ino, const std::vector<time_mark>& marks)
{
    marks_header header;
    std::memcpy(header.magic, marks_magic, sizeof header.magic);
    header.ino = ino;
    std::string content(sizeof header + marks.size() * sizeof(time_mark), '\0');
    std::memcpy(content.data(), &header, sizeof header);
    if (!marks.empty())
        std::memcpy(content.data() + sizeof header, marks.data(), marks.size() * sizeof(time_mark));
    return content;
}

} // namespace

TEST_CASE("time marks are read as they were written", "[time_marks]")
{
    const std::vector<time_mark> marks{{0, 100}, {10, 100}, {10, 200}, {50, 300}};
    const time_marks read = read_time_marks(file_of(7, marks));
    CHECK(read.ino == 7);
    CHECK(read.marks == marks);
    CHECK(read_time_marks(file_of(7, {})).ino == 7);
}

TEST_CASE("time marks are read as far as they make sense", "[time_marks]")
{
    const time_mark first{5, 100};
    SECTION("a falling offset")
    {
        CHECK(read_time_marks(file_of(7, {first, {4, 200}, {6, 300}})).marks.size() == 1);
    }
    SECTION("a falling time")
    {
        CHECK(read_time_marks(file_of(7, {first, {6, 99}, {7, 300}})).marks.size() == 1);
    }
    SECTION("a time before all") { CHECK(read_time_marks(file_of(7, {{0, -1}})).marks.empty()); }
    SECTION("half a mark")
    {
        std::string content = file_of(7, {first, {6, 200}});
        content.pop_back();
        CHECK(read_time_marks(content).marks == std::vector{first});
    }
    SECTION("half a header")
    {
        const time_marks read = read_time_marks(std::string_view(file_of(7, {})).substr(0, 15));
        CHECK(read.ino == 0);
        CHECK(read.marks.empty());
    }
    SECTION("something else")
    {
        std::string content = file_of(7, {first});
        content[0] = 'q';
        CHECK(read_time_marks(content).ino == 0);
        CHECK(read_time_marks(content).marks.empty());
    }
}

TEST_CASE("marks say where a time is, and when a place was written", "[time_marks]")
{
    const std::vector<time_mark> marks{{0, 100}, {10, 200}, {30, 300}};
    // 0..10 was written from 100 to 200, 10..30 from 200 to 300, the rest at 300 or later.
    CHECK(offset_since(marks, 50) == 0);
    CHECK(offset_since(marks, 100) == 0);
    CHECK(offset_since(marks, 200) == 0); // the byte before 10 may have been written then, too
    CHECK(offset_since(marks, 201) == 10);
    CHECK(offset_since(marks, 1000) == 30);
    CHECK(offset_until(marks, 99) == 0);
    CHECK(offset_until(marks, 100) == 10);
    CHECK(offset_until(marks, 250) == 30);
    CHECK(offset_until(marks, 300) == UINT64_MAX);
    CHECK(time_at(marks, 0) == 100);
    CHECK(time_at(marks, 9) == 100);
    CHECK(time_at(marks, 10) == 200);
    CHECK(time_at(marks, 1000) == 300);
}

TEST_CASE("without marks nothing is left out", "[time_marks]")
{
    CHECK(offset_since({}, 100) == 0);
    CHECK(offset_until({}, 100) == UINT64_MAX);
    CHECK(time_at({}, 100) == 0);
    const std::vector<time_mark> late{{10, 200}};
    CHECK(offset_since(late, 100) == 0);
    CHECK(time_at(late, 5) == 0);
}
