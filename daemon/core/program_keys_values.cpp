#include "daemon/core/program_keys_values.h"

#include "common/signal_name.h"
#include "daemon/core/specifiers.h"
#include "daemon/core/utf8.h"

#include <algorithm>
#include <charconv>

namespace procctl::keys {
namespace {

std::string lower_case(std::string_view text)
{
    std::string lower(text);
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return lower;
}

} // namespace

std::string describe(const config_value& value)
{
    switch (value.type) {
    case config_value::kind::null: return "nothing";
    case config_value::kind::scalar: return "'" + shortened(value.text) + "'";
    case config_value::kind::list: return "a list";
    case config_value::kind::map: return "a map";
    }
    return {};
}

const std::string* read_text(const config_value& value, key_errors& errors)
{
    static const std::string empty;
    if (value.type == config_value::kind::null) return &empty;
    if (value.type == config_value::kind::scalar) return &value.text;
    errors.report(value, "expected a single value, found " + describe(value));
    return nullptr;
}

const std::string* read_filled_text(const config_value& value, key_errors& errors)
{
    const std::string* const text = read_text(value, errors);
    if (text == nullptr || !text->empty()) return text;
    errors.report(value, "a value is missing");
    return nullptr;
}

const std::string* read_text_or_null(const config_value& value, key_errors& errors)
{
    if (value.type == config_value::kind::null && !value.text.empty()) return &value.text;
    return read_filled_text(value, errors);
}

bool is_empty(const config_value& value)
{
    switch (value.type) {
    case config_value::kind::null: return true;
    case config_value::kind::scalar: return value.text.empty();
    case config_value::kind::list: return value.items.empty();
    case config_value::kind::map: return value.entries.empty();
    }
    return true;
}

std::optional<bool> read_boolean(const config_value& value, key_errors& errors)
{
    const std::string* const text = read_filled_text(value, errors);
    if (text == nullptr) return std::nullopt;
    const std::string lower = lower_case(*text);
    for (const std::string_view yes : {"yes", "true", "on", "1", "y", "t"})
        if (lower == yes) return true;
    for (const std::string_view no : {"no", "false", "off", "0", "n", "f"})
        if (lower == no) return false;
    errors.report(value,
                  "'" + *text + "' is neither yes nor no; allowed are yes, no, true, false, on, off, 1, 0");
    return std::nullopt;
}

std::optional<std::int64_t> read_integer(const config_value& value, key_errors& errors, std::int64_t least,
                                         std::int64_t most)
{
    const std::string* const text = read_filled_text(value, errors);
    if (text == nullptr) return std::nullopt;
    std::string_view digits = *text;
    if (digits.starts_with('+')) digits.remove_prefix(1);
    std::int64_t number = 0;
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    const bool is_number = code != std::errc::invalid_argument && end == digits.data() + digits.size() &&
                           !text->starts_with("+-");
    if (is_number && code == std::errc{} && number >= least && number <= most) return number;
    errors.report(value, "'" + *text + "' is not a whole number from " + std::to_string(least) + " to " +
                             std::to_string(most));
    return std::nullopt;
}

std::optional<duration> read_duration(const config_value& value, key_errors& errors)
{
    const std::string* const text = read_filled_text(value, errors);
    if (text == nullptr) return std::nullopt;
    const auto parsed = parse_duration(*text);
    if (parsed) return *parsed;
    errors.report(value, parsed.error().message());
    return std::nullopt;
}

std::optional<std::uint64_t> read_size(const config_value& value, key_errors& errors)
{
    const std::string* const text = read_filled_text(value, errors);
    if (text == nullptr) return std::nullopt;
    const auto parsed = parse_size(*text);
    if (parsed) return *parsed;
    errors.report(value, parsed.error().message());
    return std::nullopt;
}

std::optional<unsigned> read_permissions(const config_value& value, key_errors& errors)
{
    const std::string* const text = read_filled_text(value, errors);
    if (text == nullptr) return std::nullopt;
    unsigned bits = 0;
    const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), bits, 8);
    if (code == std::errc{} && end == text->data() + text->size() && bits <= 0777) return bits;
    errors.report(value, "'" + *text + "' is not an octal number from 0000 to 0777");
    return std::nullopt;
}

std::string format_permissions(unsigned bits)
{
    std::string octal = "0000";
    for (std::size_t n = 0; n < 3; ++n)
        octal[3 - n] = static_cast<char>('0' + (bits >> 3 * n & 7));
    return octal;
}

std::string wrong_account_name(std::string_view name)
{
    const auto quoted = [&] { return "'" + std::string(name) + "'"; };
    if (name.find('%') != std::string_view::npos)
        return quoted() + ": specifiers are not expanded here, the account is the same for every instance";
    std::uint32_t number = 0;
    const auto [end, code] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (end == name.data() + name.size() && !name.empty()) {
        // 65535 and 4294967295 are (uid_t)-1 of 16 and 32 bits: "unchanged" to the kernel.
        if (code == std::errc{} && number != 65535 && number != UINT32_MAX) return {};
        return quoted() + " is not the number of an account";
    }
    const auto is_good = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               c == '-' || c == '.' || c == '$' || c == '@' || c == '\\' ||
               static_cast<unsigned char>(c) >= 0x80;
    };
    if (!name.empty() && name.front() != '-' && std::ranges::all_of(name, is_good)) return {};
    return quoted() + " cannot be the name of an account";
}

const std::string* read_account(const config_value& value, key_errors& errors)
{
    const std::string* const text = read_text(value, errors);
    if (text == nullptr) return nullptr;
    const std::string wrong = text->empty() ? "" : wrong_account_name(*text);
    if (wrong.empty()) return text;
    errors.report(value, wrong);
    return nullptr;
}

const std::string* read_file_path(const config_value& value, key_errors& errors)
{
    const std::string* const text = read_text(value, errors);
    if (text == nullptr || (!text->empty() && !check_path(value, *text, errors))) return nullptr;
    if (!text->ends_with('/')) return text;
    errors.report(value, "'" + *text + "' is a folder: name a file in it");
    return nullptr;
}

std::optional<int> read_signal(const config_value& value, key_errors& errors)
{
    const std::string* const text = read_filled_text(value, errors);
    if (text == nullptr) return std::nullopt;
    const auto parsed = parse_signal(*text);
    if (parsed) return *parsed;
    errors.report(value, parsed.error().message());
    return std::nullopt;
}

bool is_absolute_path(std::string_view path)
{
    if (path.starts_with('/')) return true;
    return path.size() > 1 && path[0] == '%' && std::string_view("tSLh").find(path[1]) != path.npos;
}

bool check_path(const config_value& where, std::string_view path, key_errors& errors)
{
    if (auto checked = check_specifiers(path); !checked) {
        errors.report(where, checked.error().message());
        return false;
    }
    if (is_absolute_path(path)) return true;
    errors.report(where, "'" + std::string(path) + "' is not an absolute path");
    return false;
}

void report_word(const config_value& where, std::string_view text, std::span<const refused_word> refused,
                 std::string_view allowed, key_errors& errors)
{
    const std::string quoted = "'" + shortened(text) + "'";
    const std::string lower = lower_case(text);
    const auto is_meant = [&](const refused_word& r) {
        return lower == r.word || (r.word.size() > 1 && r.word.ends_with(':') && lower.starts_with(r.word)) ||
               (r.word == "/" && text.starts_with('/'));
    };
    const auto found = std::ranges::find_if(refused, is_meant);
    if (found != refused.end())
        errors.report(where, quoted + " is refused: " + std::string(found->remedy));
    else
        errors.report(where, "unknown value " + quoted + "; allowed are " + std::string(allowed));
}

bool check_opened_path(const config_value& where, std::string_view prefix, std::string_view path,
                       key_errors& errors)
{
    const std::string quoted = "'" + shortened(path) + "'";
    if (path.empty()) {
        errors.report(where, "no path follows '" + std::string(prefix) + "'");
        return false;
    }
    if (!check_path(where, path, errors)) return false;
    if (path.ends_with('/')) {
        errors.report(where, quoted + " is a folder: name a file in it");
        return false;
    }
    for (const std::string_view own : {"/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/self/"})
        if (path.starts_with(own)) {
            errors.report(where, quoted + " is the opening process's own, which is what is to be set up; the "
                                          "daemon's console is log: {path: /dev/stdout}");
            return false;
        }
    return true;
}

std::vector<const config_value*> read_items(const config_value& value, key_errors& errors)
{
    std::vector<const config_value*> items;
    if (value.type == config_value::kind::map) {
        errors.report(value, "expected a value or a list of values, found a map");
    } else if (value.type == config_value::kind::scalar) {
        items.push_back(&value);
    }
    for (const config_value& item : value.items) {
        if (item.type == config_value::kind::scalar)
            items.push_back(&item);
        else
            errors.report(item, "expected a single value in the list, found " + describe(item));
    }
    return items;
}

std::optional<std::vector<std::string>> read_words(const config_value& value, key_errors& errors)
{
    std::vector<std::string> words;
    const std::vector<const config_value*> items = read_items(value, errors);
    if (items.size() != value.items.size() && value.type == config_value::kind::list) return std::nullopt;
    if (value.type == config_value::kind::map) return std::nullopt;
    for (const config_value* const item : items) {
        if (value.type == config_value::kind::list) {
            words.push_back(item->text);
            continue;
        }
        for (std::size_t at = 0; at < item->text.size();) {
            const std::size_t begin = item->text.find_first_not_of(" \t\n\r", at);
            if (begin == std::string::npos) break;
            at = std::min(item->text.find_first_of(" \t\n\r", begin), item->text.size());
            words.push_back(item->text.substr(begin, at - begin));
        }
    }
    return words;
}

} // namespace procctl::keys
