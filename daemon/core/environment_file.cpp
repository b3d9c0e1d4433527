#include "daemon/core/environment_file.h"

#include "daemon/core/utf8.h"

#include <algorithm>

namespace procctl {
namespace {

constexpr bool is_newline(char c) { return c == '\n' || c == '\r'; }
constexpr bool is_space(char c) { return c == ' ' || c == '\t' || is_newline(c); }

enum class state {
    before_name,
    name,
    before_value,
    value,
    value_escape,
    single_quotes,
    double_quotes,
    double_quotes_escape,
    comment,
};

void trim_end(std::string& text)
{
    while (!text.empty() && is_space(text.back()))
        text.pop_back();
}

// systemd's own automaton, state by state, because users' files rely on its corners: a quote is one only at
// the beginning of a value or behind another quoted part, and a quoted value may span lines.
class environment_reader {
public:
    environment_reader(const std::string& file, diagnostics& out) : file_(file), out_(out) {}

    void read(std::string_view text)
    {
        for (const char c : text) {
            step(c);
            if (c == '\n') ++line_;
        }
        switch (state_) {
        case state::before_name:
        case state::comment: break;
        case state::name: skip_line(); break;
        case state::before_value:
        case state::value:
        case state::value_escape:
        case state::single_quotes:
        case state::double_quotes:
        case state::double_quotes_escape: assign(); break;
        }
    }

    [[nodiscard]] environment take() { return std::move(variables_); }

private:
    void step(char c)
    {
        switch (state_) {
        case state::before_name:
            if (c == '#' || c == ';') {
                state_ = state::comment;
            } else if (!is_space(c)) {
                state_ = state::name;
                name_ = c;
                value_.clear();
                keep_ = 0;
                begin_ = line_;
            }
            break;
        case state::name:
            if (is_newline(c))
                skip_line();
            else if (c == '=')
                state_ = state::before_value;
            else
                name_ += c;
            break;
        case state::before_value:
            if (is_newline(c))
                assign();
            else if (c == '\'')
                state_ = state::single_quotes;
            else if (c == '"')
                state_ = state::double_quotes;
            else if (c == '\\')
                state_ = state::value_escape;
            else if (!is_space(c))
                add(c, state::value);
            break;
        case state::value:
            if (is_newline(c))
                assign();
            else if (c == '\\')
                state_ = state::value_escape;
            else if (is_space(c))
                value_ += c; // perhaps trailing: kept only when something follows
            else
                add(c, state::value);
            break;
        case state::value_escape:
            if (is_newline(c))
                state_ = state::value; // the value goes on in the next line
            else
                add(c, state::value);
            break;
        case state::single_quotes:
            if (c == '\'')
                state_ = state::before_value;
            else
                add(c, state::single_quotes);
            break;
        case state::double_quotes:
            if (c == '"')
                state_ = state::before_value;
            else if (c == '\\')
                state_ = state::double_quotes_escape;
            else
                add(c, state::double_quotes);
            break;
        case state::double_quotes_escape:
            // As in a shell: a backslash that escapes nothing stays.
            if (c != '\n' && std::string_view("\"\\`$").find(c) == std::string_view::npos) value_ += '\\';
            if (c != '\n') add(c, state::double_quotes);
            state_ = state::double_quotes;
            break;
        case state::comment:
            if (is_newline(c)) state_ = state::before_name;
            break;
        }
    }

    void add(char c, state next)
    {
        value_ += c;
        keep_ = value_.size();
        state_ = next;
    }

    void warn(std::string message)
    {
        out_.push_back({severity::warning, {file_, begin_, 1}, std::move(message)});
    }

    void skip_line()
    {
        trim_end(name_);
        warn("'" + name_ + "' is not an assignment, it is skipped: write NAME=value");
        state_ = state::before_name;
    }

    void assign()
    {
        state_ = state::before_name;
        value_.resize(keep_);
        trim_end(name_);
        if (!is_variable_name(name_)) {
            std::string message =
                "'" + name_ + "' cannot be the name of a variable, the assignment is skipped";
            if (name_.starts_with("export ")) message += ": this is no shell script, leave out 'export'";
            return warn(std::move(message));
        }
        const auto found = std::ranges::find(variables_, name_, &environment::value_type::first);
        if (found != variables_.end())
            found->second = std::move(value_);
        else
            variables_.emplace_back(std::move(name_), std::move(value_));
    }

    const std::string& file_;
    diagnostics& out_;
    environment variables_;
    state state_ = state::before_name;
    std::string name_;
    std::string value_;
    std::size_t keep_ = 0; // how much of value_ is not white space that may turn out to be trailing
    int line_ = 1;
    int begin_ = 1; // line of the assignment that is being read
};

} // namespace

environment parse_environment_file(std::string_view text, const std::string& file, diagnostics& out)
{
    if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
        out.push_back({severity::error, position_of(text, nul, file), "a NUL: this is no text file"});
        return {};
    }
    if (const auto bad = find_invalid_utf8(text); bad != std::string_view::npos) {
        out.push_back({severity::error, position_of(text, bad, file), "invalid UTF-8"});
        return {};
    }
    environment_reader reader(file, out);
    reader.read(text);
    return reader.take();
}

bool is_variable_name(std::string_view text)
{
    const auto is_first = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; };
    const auto is_later = [&](char c) { return is_first(c) || (c >= '0' && c <= '9'); };
    return !text.empty() && is_first(text.front()) && std::ranges::all_of(text, is_later);
}

} // namespace procctl
