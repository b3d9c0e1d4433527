#include "daemon/output/record.h"
#include "tests/support/catch.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace procctl;
using namespace procctl::output;

namespace {

unique_fd duplicate(const unique_fd& fd) { return unique_fd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3)); }

} // namespace

TEST_CASE("what is noted in the record can be read by others, and by a successor", "[record]")
{
    const auto record = make_record();
    REQUIRE(record);
    {
        record_writer writer;
        REQUIRE(writer.map(duplicate(*record)));
        record_slot slot;
        slot.stream = 5;
        slot.state = slot_state::in_trouble;
        slot.errno_value = 28;
        slot.dev = 1;
        slot.ino = 2;
        slot.position = 3;
        slot.moved = 4;
        const auto place = writer.at(3);
        REQUIRE(place);
        write_slot(**place, slot);
    }
    const auto read = read_slot(record->get(), 3);
    REQUIRE(read);
    CHECK(read->sequence == 2);
    CHECK(read->stream == 5);
    CHECK(read->state == slot_state::in_trouble);
    CHECK(read->errno_value == 28);
    CHECK(read->dev == 1);
    CHECK(read->ino == 2);
    CHECK(read->position == 3);
    CHECK(read->moved == 4);

    record_writer successor;
    REQUIRE(successor.map(duplicate(*record)));
    CHECK((*successor.at(3))->moved == 4);
}

TEST_CASE("a writer killed in the middle of a note leaves a slot that can be read and written", "[record]")
{
    const auto record = make_record();
    record_writer writer;
    REQUIRE(writer.map(duplicate(*record)));
    record_slot& slot = **writer.at(0);
    slot.sequence = 7;
    slot.moved = 10;
    CHECK(read_slot(record->get(), 0)->moved == 10);
    write_slot(slot, record_slot{});
    CHECK(slot.sequence == 8);
}

TEST_CASE("the record grows under its writer", "[record]")
{
    const auto record = make_record();
    record_writer writer;
    REQUIRE(writer.map(duplicate(*record)));
    CHECK_FALSE(writer.at(1000));
    REQUIRE(grow_record(record->get(), 1000));
    REQUIRE(writer.at(1000));
    (*writer.at(1000))->moved = 9;
    (*writer.at(0))->moved = 8;
    CHECK(read_slot(record->get(), 1000)->moved == 9);
    CHECK(read_slot(record->get(), 0)->moved == 8);
    REQUIRE(grow_record(record->get(), 0)); // never smaller
    CHECK(read_slot(record->get(), 1000)->moved == 9);
}

TEST_CASE("something else is not taken for a record", "[record]")
{
    record_writer writer;
    CHECK_FALSE(writer.map(unique_fd()));
    unique_fd empty(::memfd_create("empty", MFD_CLOEXEC));
    record_writer second;
    CHECK_FALSE(second.map(duplicate(empty)));
    REQUIRE(::ftruncate(empty.get(), 4096) == 0);
    record_writer third;
    CHECK_FALSE(third.map(duplicate(empty)));

    const auto record = make_record();
    const std::uint32_t later_version = record_version + 1;
    REQUIRE(::pwrite(record->get(), &later_version, sizeof later_version, offsetof(record_header, version)) >
            0);
    record_writer fourth;
    CHECK_FALSE(fourth.map(duplicate(*record)));
}
