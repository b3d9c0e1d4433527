#include "daemon/output/message.h"
#include "tests/support/catch.h"

#include <cstring>
#include <vector>

using namespace procctl;
using namespace procctl::output;

namespace {

stream_settings file_at(std::string path)
{
    stream_settings s;
    s.path = std::move(path);
    return s;
}

// Every member as far from its default as it may be.
stream_settings all_members()
{
    const std::string longest(max_text_size, 'p');
    stream_settings s;
    s.sink = stream_sink::syslog;
    s.path = s.program = s.instance = s.stream = s.identifier = longest;
    s.is_lossy = true;
    s.max_size = 1;
    s.max_total_size = 2;
    s.max_age = duration(3);
    s.keep = UINT32_MAX;
    s.mode = 0600;
    s.uid = 4;
    s.gid = 5;
    s.format = log_format::json;
    s.timestamps = log_timestamps::local;
    s.on_error = log_error_action::drop;
    s.tail_size = log_settings::max_tail_size;
    s.facility = 23;
    s.level = 7;
    s.has_level_prefix = false;
    return s;
}

const std::vector<order> orders{hello{7, 8},
                                open_stream{1, 2, file_at("/var/log/x.log")},
                                open_stream{4'000'000'000, max_slots - 1, all_members(), INT32_MAX},
                                close_stream{1, 2},
                                set_pid{1, 2, INT32_MAX},
                                finish_run{1, max_slots - 1, UINT32_MAX},
                                rotate_log{1, 2, 3},
                                reopen_logs{},
                                drain_streams{UINT64_MAX},
                                stop_moving{}};
const std::vector<reply> replies{trouble{1, step::open, 2},
                                 trouble{1, step::write, 28},
                                 recovered{1},
                                 closed{9},
                                 run_finished{1, 0, ""},
                                 run_finished{UINT32_MAX, UINT64_MAX, std::string("tail\0\xff", 6)},
                                 run_finished{1, 7, std::string(log_settings::max_tail_size, 't')},
                                 rotated{1, 0},
                                 rotated{UINT32_MAX, 95},
                                 notice{1, notice_kind::rotated, 0, "/var/log/x.log.1"},
                                 notice{1, notice_kind::cannot_own, 1, ""},
                                 drained{0},
                                 stopped{}};

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
        CHECK(bytes.size() <= max_order_size);
        const auto read = decode_order(bytes);
        REQUIRE(read);
        CHECK(*read == o);
        CHECK_FALSE(decode_reply(bytes));
    }
    for (const reply& r : replies) {
        const auto read = decode_reply(encode(r));
        REQUIRE(read);
        CHECK(encode(r).size() <= max_reply_size);
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
        CHECK_FALSE(decode_order(bytes + "x"));
    }
    for (const reply& r : replies) {
        const bool has_text = std::holds_alternative<run_finished>(r) || std::holds_alternative<notice>(r);
        if (!has_text) CHECK_FALSE(decode_reply(encode(r) + "x"));
    }
    CHECK_FALSE(
        decode_reply(encode(reply{run_finished{1, 7, std::string(log_settings::max_tail_size + 1, 't')}})));
    CHECK_FALSE(decode_reply(encode(reply{notice{1, {}, 0, std::string(max_text_size + 1, 'p')}})));
    CHECK_FALSE(decode_reply(encode(reply{notice{1, {}, 0, std::string(1, '\0')}})));
}

TEST_CASE("a message with a value out of range is refused", "[message]")
{
    const std::string open = encode(order{open_stream{1, 2, file_at("/x")}});
    CHECK_FALSE(decode_order(changed(open, at_kind, 0)));
    CHECK_FALSE(decode_order(changed(open, at_kind, 10)));
    CHECK_FALSE(decode_order(changed(open, at_stream, 0)));
    CHECK_FALSE(decode_order(changed(open, at_low, max_slots)));
    CHECK_FALSE(decode_order(changed(open, at_high, 1U << 31U)));
    CHECK_FALSE(decode_order(open.substr(0, header_size)));
    CHECK_FALSE(decode_order(open + '\0'));

    CHECK_FALSE(decode_order(changed(encode(order{hello{1, 2}}), at_high, max_slots)));
    CHECK_FALSE(decode_order(changed(encode(order{hello{1, 2}}), at_stream, 1)));
    CHECK_FALSE(decode_order(changed(encode(order{close_stream{1, 2}}), at_high, 1)));
    CHECK_FALSE(decode_order(changed(encode(order{set_pid{1, 2, 3}}), at_low, 1U << 31U)));
    CHECK_FALSE(decode_order(changed(encode(order{finish_run{1, 2, 3}}), at_high, max_slots)));
    CHECK_FALSE(decode_order(changed(encode(order{reopen_logs{}}), at_low, 1)));
    CHECK_FALSE(decode_order(changed(encode(order{stop_moving{}}), at_low, 1)));

    const std::string bad = encode(reply{trouble{1, step::write, 5}});
    CHECK_FALSE(decode_reply(changed(bad, at_low, 0)));
    CHECK_FALSE(decode_reply(changed(bad, at_low, 4096)));
    CHECK_FALSE(decode_reply(changed(bad, at_high, 2)));
    CHECK_FALSE(decode_reply(changed(bad, at_stream, 0)));
    CHECK_FALSE(decode_reply(changed(encode(reply{closed{1}}), at_low, 1)));
    CHECK_FALSE(decode_reply(changed(encode(reply{rotated{1, 0}}), at_high, 4096)));
    CHECK_FALSE(decode_reply(changed(encode(reply{notice{1, {}, 0, "/x"}}), at_high, 4)));
}

TEST_CASE("a stream's settings that make no sense are refused", "[message]")
{
    const std::string good = to_bytes(all_members());
    const auto read = settings_from_bytes(good);
    REQUIRE(read);
    CHECK(*read == all_members());
    for (std::size_t size = 0; size < 80; ++size)
        CHECK_FALSE(settings_from_bytes(good.substr(0, size)));
    // Each of the bytes at the beginning is a choice.
    for (std::size_t at = 0; at < 8; ++at) {
        std::string bad = good;
        bad[at] = 100;
        CHECK_FALSE(settings_from_bytes(bad));
    }
    stream_settings s = file_at("");
    CHECK_FALSE(settings_from_bytes(to_bytes(s)));
    s = file_at(std::string("/a\0b", 4));
    CHECK_FALSE(settings_from_bytes(to_bytes(s)));
    s = file_at(std::string(max_text_size + 1, 'p'));
    CHECK_FALSE(settings_from_bytes(to_bytes(s)));
    s = file_at("/x");
    s.tail_size = log_settings::max_tail_size + 1;
    CHECK_FALSE(settings_from_bytes(to_bytes(s)));
    s = file_at("/x");
    s.max_age = duration(-1);
    CHECK_FALSE(settings_from_bytes(to_bytes(s)));
}
