#include "daemon/output/message.h"
#include "tests/support/catch.h"

#include <cstring>
#include <vector>

using namespace procctl::output;

namespace {

const std::vector<order> orders{
    hello{7},
    open_stream{1, 2, false, "/var/log/x.log"},
    open_stream{4'000'000'000, max_slots - 1, true, std::string(max_path_size, 'p')},
    close_stream{1, 2},
    drain_streams{UINT64_MAX},
    stop_moving{}};
const std::vector<reply> replies{
    trouble{1, step::open, 2}, trouble{1, step::write, 28}, recovered{1}, closed{9}, drained{0}, stopped{}};

std::string changed(std::string bytes, std::size_t at, std::uint32_t value)
{
    std::memcpy(bytes.data() + at, &value, sizeof value);
    return bytes;
}

constexpr std::size_t at_kind = 0, at_stream = 4, at_low = 8, at_high = 12;

} // namespace

TEST_CASE("messages mean the same at the other end", "[message]")
{
    for (const order& o : orders) {
        const std::string bytes = encode(o);
        CHECK(bytes.size() <= max_message_size);
        const auto read = decode_order(bytes);
        REQUIRE(read);
        CHECK(*read == o);
        CHECK_FALSE(decode_reply(bytes));
    }
    for (const reply& r : replies) {
        const auto read = decode_reply(encode(r));
        REQUIRE(read);
        CHECK(*read == r);
        CHECK_FALSE(decode_order(encode(r)));
    }
}

TEST_CASE("a message of another length is refused", "[message]")
{
    for (const order& o : orders) {
        const std::string bytes = encode(o);
        for (std::size_t size = 0; size < header_size; ++size)
            CHECK_FALSE(decode_order(bytes.substr(0, size)));
        if (!std::holds_alternative<open_stream>(o)) CHECK_FALSE(decode_order(bytes + "x"));
    }
    for (const reply& r : replies)
        CHECK_FALSE(decode_reply(encode(r) + "x"));
}

TEST_CASE("a message with a value out of range is refused", "[message]")
{
    const std::string open = encode(order{open_stream{1, 2, false, "/x"}});
    CHECK_FALSE(decode_order(changed(open, at_kind, 0)));
    CHECK_FALSE(decode_order(changed(open, at_kind, 6)));
    CHECK_FALSE(decode_order(changed(open, at_stream, 0)));
    CHECK_FALSE(decode_order(changed(open, at_low, max_slots)));
    CHECK_FALSE(decode_order(changed(open, at_high, 2)));
    CHECK_FALSE(decode_order(open.substr(0, header_size)));
    CHECK_FALSE(decode_order(open + '\0'));
    CHECK_FALSE(decode_order(encode(order{open_stream{1, 2, false, std::string(max_path_size + 1, 'p')}})));

    CHECK_FALSE(decode_order(changed(encode(order{hello{1}}), at_high, 1)));
    CHECK_FALSE(decode_order(changed(encode(order{hello{1}}), at_stream, 1)));
    CHECK_FALSE(decode_order(changed(encode(order{close_stream{1, 2}}), at_high, 1)));
    CHECK_FALSE(decode_order(changed(encode(order{stop_moving{}}), at_low, 1)));

    const std::string bad = encode(reply{trouble{1, step::write, 5}});
    CHECK_FALSE(decode_reply(changed(bad, at_low, 0)));
    CHECK_FALSE(decode_reply(changed(bad, at_low, 4096)));
    CHECK_FALSE(decode_reply(changed(bad, at_high, 2)));
    CHECK_FALSE(decode_reply(changed(bad, at_stream, 0)));
    CHECK_FALSE(decode_reply(changed(encode(reply{closed{1}}), at_low, 1)));
}
