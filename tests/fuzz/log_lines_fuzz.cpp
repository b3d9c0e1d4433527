// Any bytes, arriving in any parts, to a file as JSON and as text, to the journal and to syslog: every JSON
// line is valid and the messages put together are the bytes that came; every datagram of the journal parses
// back.
#include "common/unique_fd.h"
#include "daemon/output/file_line_mover.h"
#include "daemon/output/journal_entry.h"
#include "daemon/output/level_prefix.h"
#include "daemon/output/line_splitter.h"
#include "daemon/output/syslog_message.h"
#include "daemon/output/utf8.h"

#include <boost/json.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>

#include <fcntl.h>
#include <unistd.h>

using namespace procctl;
using namespace procctl::output;

namespace {

void require(bool is_so)
{
    if (!is_so) std::abort();
}

// Takes what the fuzzer allows, refuses when that is spent, and then takes everything.
struct moody_sink final : byte_sink {
    moody_sink(std::string& to, std::size_t limit) : content(to), room(limit) {}
    outcome put(std::string_view bytes, wall_time) override
    {
        const std::size_t count = std::min(bytes.size(), room);
        content += bytes.substr(0, count);
        const bool is_full = count < bytes.size();
        room = is_full ? bytes.size() : room - count;
        return {is_full ? outcome::status::target_full : outcome::status::moved, count, 0};
    }
    int descriptor() const override { return -1; }
    void close() override {}

    std::string& content;
    std::size_t room;
};

// Moves the bytes, in parts of `part`, and returns what the sink got.
std::string moved(std::string_view bytes, std::size_t part, const stream_settings& settings)
{
    int ends[2];
    require(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    const unique_fd read_end(ends[0]), write_end(ends[1]);
    std::string content;
    const auto mover = file_line_mover::make(settings, std::make_unique<moody_sink>(content, part * 7));
    std::size_t taken = 0;
    for (std::size_t at = 0; at < bytes.size(); at += part) {
        const auto some = bytes.substr(at, part);
        require(::write(write_end.get(), some.data(), some.size()) == static_cast<ssize_t>(some.size()));
        outcome o;
        do {
            o = mover->take(read_end.get(), 1 << 20, wall_time{});
            taken += o.bytes;
            require(taken + mover->held() <= at + some.size());
        } while (o.what != outcome::status::pipe_empty);
        require(taken == at + some.size() && mover->held() == 0);
    }
    while (mover->finish(wall_time{}).what != outcome::status::moved) {
    }
    require(mover->held() == 0);
    return content;
}

std::string with_end(std::string_view bytes)
{
    std::string lines(bytes);
    if (!lines.empty() && lines.back() != '\n') lines += '\n';
    return lines;
}

// Put together again the pieces are the lines; valid text stays valid when it is cut.
void check_pieces(std::string_view bytes, std::size_t longest)
{
    const std::string all = with_end(bytes);
    const bool is_text = is_valid_utf8(all);
    std::string got;
    std::string_view rest = all;
    while (const auto piece = first_piece(rest, longest)) {
        require(piece->text.size() <= longest);
        require(piece->size == piece->text.size() + (piece->is_last ? 1 : 0));
        require(piece->is_last || piece->size + 4 > longest);
        if (is_text) require(is_valid_utf8(piece->text));
        got += piece->text;
        if (piece->is_last) got += '\n';
        rest.remove_prefix(piece->size);
    }
    require(rest.empty());
    require(got == all);
}

void check_json(std::string_view bytes, std::size_t part)
{
    stream_settings settings;
    settings.format = log_format::json;
    settings.program = settings.instance = "web";
    settings.stream = "stdout";
    const std::string log = moved(bytes, part, settings);
    std::string got;
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = log.find('\n', begin)) != std::string::npos; begin = end + 1) {
        const auto value = boost::json::parse(std::string_view(log).substr(begin, end - begin));
        const auto& message = value.at("message");
        if (message.is_string())
            got += std::string_view(message.get_string());
        else
            for (const auto& number : message.as_array())
                got += static_cast<char>(number.to_number<std::uint8_t>());
        if (!value.as_object().contains("partial")) got += '\n';
    }
    require(begin == log.size());
    require(got == with_end(bytes));
}

void check_text(std::string_view bytes, std::size_t part)
{
    stream_settings settings;
    settings.timestamps = log_timestamps::iso;
    const std::string log = moved(bytes, part, settings);
    constexpr std::string_view head = "1970-01-01T00:00:00.000000Z ";
    std::string expected;
    const std::string all = with_end(bytes);
    for (std::size_t begin = 0, end = 0; begin < all.size(); begin = end) {
        end = all.find('\n', begin) + 1;
        expected += head;
        expected += all.substr(begin, end - begin);
    }
    require(log == expected);
}

// A reader of the journal's protocol, written from its page.
std::multimap<std::string, std::string> parsed(std::string_view entry)
{
    std::multimap<std::string, std::string> fields;
    while (!entry.empty()) {
        const std::size_t line_end = entry.find('\n');
        require(line_end != std::string_view::npos);
        const std::size_t equals = entry.substr(0, line_end).find('=');
        if (equals != std::string_view::npos) {
            fields.emplace(entry.substr(0, equals), entry.substr(equals + 1, line_end - equals - 1));
            entry.remove_prefix(line_end + 1);
            continue;
        }
        const std::string name(entry.substr(0, line_end));
        entry.remove_prefix(line_end + 1);
        require(entry.size() >= 8);
        std::uint64_t size = 0;
        for (std::size_t i = 8; i-- > 0;)
            size = size << 8U | static_cast<std::uint8_t>(entry[i]);
        entry.remove_prefix(8);
        require(size < entry.size() && entry[size] == '\n');
        fields.emplace(name, entry.substr(0, size));
        entry.remove_prefix(size + 1);
    }
    return fields;
}

void check_messages(std::string_view bytes)
{
    stream_settings settings;
    settings.identifier = bytes;
    const leveled_line line = take_level_prefix(bytes, 6);
    require(line.level <= 7 && bytes.ends_with(line.text));
    std::string entry;
    append_journal_entry(entry, journal_names(settings), line.level, 1, line.text, true);
    const auto fields = parsed(entry);
    require(fields.size() == 9);
    require(fields.find("MESSAGE")->second == line.text);
    require(fields.find("SYSLOG_IDENTIFIER")->second == bytes);
    require(fields.find("PRIORITY")->second == std::to_string(line.level));
    std::string message;
    append_syslog_message(message, {.tag = bytes}, line.level, wall_time{}, {}, line.text);
    require(message.find('\0') == std::string::npos && message.find('\n') == std::string::npos);
}

} // namespace

// The first byte says in which parts the others arrive, and into which pieces they are cut.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::size_t part = std::max(std::size_t{1} << (data[0] % 13U), bytes.size() / 100);
    check_pieces(bytes, 4 + data[0] % 61U);
    check_json(bytes, part);
    check_text(bytes, part);
    check_messages(bytes);
    return 0;
}
