#include "daemon/core/command_line.h"

#include "daemon/core/escapes.h"
#include "daemon/core/utf8.h"

#include <optional>

namespace procctl {
namespace {

constexpr bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

struct word {
    std::string text;
    std::string_view written; // as it stands in the command, with its quotes
};

// Reads one word after the other, as systemd's unit files have them.
class word_reader {
public:
    explicit word_reader(std::string_view text) : text_(text) {}

    // Absent at the end of the text.
    result<std::optional<word>> next()
    {
        while (at_ < text_.size() && is_space(text_[at_]))
            ++at_;
        if (at_ == text_.size()) return std::optional<word>{};
        const std::size_t begin = at_;
        word read;
        char quote = 0;
        std::size_t quote_at = 0;
        for (; at_ < text_.size() && (quote != 0 || !is_space(text_[at_])); ++at_) {
            const char c = text_[at_];
            if (c == '\\') {
                if (auto added = append_escape(read.text, text_, at_, nul_bytes::refused); !added)
                    return added.error();
            } else if (quote != 0 && c == quote) {
                quote = 0;
            } else if (quote == 0 && (c == '\'' || c == '"')) {
                quote = c;
                quote_at = at_;
            } else if (c == '\0') {
                return make_error("a NUL at byte " + std::to_string(at_ + 1));
            } else {
                read.text += c;
            }
        }
        if (quote != 0)
            return make_error(std::string("the quote ") + quote + " at byte " + std::to_string(quote_at + 1) +
                              " is never closed");
        read.written = text_.substr(begin, at_ - begin);
        return std::optional<word>(std::move(read));
    }

private:
    std::string_view text_;
    std::size_t at_ = 0;
};

result<void> refuse_prefix(char c)
{
    switch (c) {
    case '@':
        return make_error("the prefix '@' is not supported: the first word is both the file to execute and "
                          "argv[0]");
    case '+':
    case '!':
        return make_error(std::string("the prefix '") + c +
                          "' is not supported: every command runs as the program's `user`");
    case '|':
        return make_error("the prefix '|' is not supported: no shell is involved; write /bin/sh -c '…'");
    default: return {};
    }
}

// Takes the prefixes off the first word and checks what is left.
result<command> make_command(std::vector<std::string> argv)
{
    if (argv.empty()) return make_error("the command is empty");
    command made;
    std::string_view file = argv.front();
    for (; !file.empty(); file.remove_prefix(1)) {
        if (auto checked = refuse_prefix(file.front()); !checked) return checked.error();
        if (file.front() == '-' && !made.ignore_failure)
            made.ignore_failure = true;
        else if (file.front() == ':' && made.expand_variables)
            made.expand_variables = false;
        else
            break;
    }
    if (file.empty())
        return make_error(argv.front().empty() ? "the first word of the command is empty"
                                               : "no command follows the prefix '" + argv.front() + "'");
    if (file.back() == '/')
        return make_error("'" + std::string(file) + "' is a folder, not a file that can be executed");
    if (made.expand_variables && (file.find("${") != std::string_view::npos || file.front() == '$'))
        return make_error("'" + std::string(file) + "': the command itself may not be a variable");
    // What a specifier at its beginning stands for is an absolute path, or it is found out at the start.
    if (file.find('/') != std::string_view::npos && file.front() != '/' && file.front() != '%')
        return make_error("'" + std::string(file) +
                          "' is a relative path: write an absolute one, or a name that is looked up on PATH");
    for (const std::string& argument : argv) {
        if (argument.find('\0') != std::string::npos)
            return make_error("a NUL cannot be passed to a program");
        // Escapes can make any bytes, but what a program is called with is shown to people and sent as JSON.
        if (find_invalid_utf8(argument) != std::string_view::npos)
            return make_error("a word of the command is not valid UTF-8");
    }
    std::string first(file);
    argv.front() = std::move(first);
    made.argv = std::move(argv);
    return made;
}

// What needs no quotes: everything else is written between them.
constexpr bool is_plain(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("-_=+./:,@%^~!*?#$&|<>()[]{}").find(c) != std::string_view::npos ||
           static_cast<unsigned char>(c) >= 0x80;
}

std::string quote(std::string_view text)
{
    bool plain = !text.empty();
    for (const char c : text)
        plain &= is_plain(c);
    if (plain) return std::string(text);

    static constexpr std::string_view digits = "0123456789abcdef";
    std::string quoted = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\n')
            quoted += "\\n";
        else if (c == '\t')
            quoted += "\\t";
        else if (c == '"' || c == '\\')
            (quoted += '\\') += c;
        else if (byte < 0x20 || byte == 0x7f)
            ((quoted += "\\x") += digits[byte >> 4]) += digits[byte & 15];
        else
            quoted += c;
    }
    return quoted += '"';
}

} // namespace

result<std::vector<std::string>> split_words(std::string_view text)
{
    std::vector<std::string> words;
    word_reader reader(text);
    while (true) {
        auto read = reader.next();
        if (!read) return read.error();
        if (!*read) return words;
        words.push_back(std::move((*read)->text));
    }
}

result<command> parse_command(std::string_view text)
{
    // systemd writes a semicolon that is a word of its own as \;, because a bare one separates commands.
    std::vector<std::string> words;
    word_reader reader(text);
    while (true) {
        auto read = reader.next();
        if (!read) return read.error();
        if (!*read) break;
        if ((*read)->written == ";")
            return make_error("';' as a word of its own separates commands in systemd: write a list of "
                              "commands, or ';' in quotes");
        words.push_back(std::move((*read)->text));
    }
    return make_command(std::move(words));
}

result<command> parse_command(const std::vector<std::string>& argv) { return make_command(argv); }

std::string format_command(const command& c)
{
    std::string text;
    for (const std::string& argument : c.argv) {
        std::string word = argument;
        if (text.empty()) {
            if (!c.expand_variables) word.insert(0, 1, ':');
            if (c.ignore_failure) word.insert(0, 1, '-');
        } else {
            text += ' ';
        }
        text += quote(word);
    }
    return text;
}

} // namespace procctl
