#include "daemon/core/specifiers.h"

#include "daemon/core/environment_file.h"

#include <algorithm>

namespace procctl {
namespace {

constexpr bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Null: no such specifier.
const std::string_view* find_specifier(char letter, const specifier_context& context)
{
    static constexpr std::string_view percent = "%";
    switch (letter) {
    case 'n':
    case 'N': return &context.instance_name;
    case 'p': return &context.program;
    case 'i': return &context.instance;
    case 't': return &context.runtime_dir;
    case 'S': return &context.state_dir;
    case 'L': return &context.log_dir;
    case 'H': return &context.host;
    case 'u': return &context.user;
    case 'U': return &context.uid;
    case 'h': return &context.home;
    case '%': return &percent;
    default: return nullptr;
    }
}

error unknown_specifier(std::string_view rest)
{
    if (rest.size() == 1) return make_error("a '%' at the end: write %% for a percent sign");
    return make_error("unknown specifier '" + std::string(rest.substr(0, 2)) +
                      "': known are %n %N %p %i %t %S %L %H %u %U %h, and %% is a percent sign");
}

// Unset is empty, as in systemd.
std::string_view value_of(const environment& variables, std::string_view name)
{
    const auto found =
        std::ranges::find(variables, name, [](const auto& v) { return std::string_view(v.first); });
    return found == variables.end() ? std::string_view{} : std::string_view(found->second);
}

// The value of a $VAR that is a word of its own, split. Quotes group, and what is wrong with them is
// forgiven: the value comes from anywhere.
void append_split(std::vector<std::string>& argv, std::string_view value)
{
    bool in_word = false;
    char quote = 0;
    for (std::size_t at = 0; at < value.size(); ++at) {
        const char c = value[at];
        if (quote == 0 && is_space(c)) {
            in_word = false;
            continue;
        }
        if (!in_word) argv.emplace_back();
        in_word = true;
        if (c == '\\') {
            if (++at < value.size()) argv.back() += value[at];
        } else if (quote != 0 && c == quote) {
            quote = 0;
        } else if (quote == 0 && (c == '\'' || c == '"')) {
            quote = c;
        } else {
            argv.back() += c;
        }
    }
}

// Whether systemd takes the whole word as the name of a variable.
bool is_variable_word(std::string_view word)
{
    return word.starts_with('$') && !word.starts_with("${") && !word.starts_with("$$");
}

// "${VAR}" and "$$" anywhere in a word; any other '$' stands for itself.
std::string expand_within(std::string_view word, const environment& variables)
{
    std::string out;
    while (!word.empty()) {
        const auto dollar = word.find('$');
        out += word.substr(0, dollar);
        if (dollar == std::string_view::npos) break;
        word.remove_prefix(dollar);
        if (word.starts_with("$$")) {
            out += '$';
            word.remove_prefix(2);
        } else if (const auto end = word.find('}'); word.starts_with("${") && end != std::string_view::npos) {
            out += value_of(variables, word.substr(2, end - 2));
            word.remove_prefix(end + 1);
        } else {
            out += '$';
            word.remove_prefix(1);
        }
    }
    return out;
}

result<void> check_word(std::string_view word)
{
    if (is_variable_word(word)) {
        if (is_variable_name(word.substr(1))) return {};
        return make_error(
            "'" + std::string(word) +
            "' is not the name of a variable: write ${NAME} within a word, $$ for a dollar sign");
    }
    for (auto at = word.find('$'); at != std::string_view::npos; at = word.find('$', at)) {
        const std::string_view rest = word.substr(at);
        if (rest.starts_with("$$")) {
            at += 2;
        } else if (rest.starts_with("${")) {
            const auto end = rest.find('}');
            if (end == std::string_view::npos)
                return make_error("'" + std::string(rest) +
                                  "' has no closing brace: write $$ for a dollar sign");
            if (!is_variable_name(rest.substr(2, end - 2)))
                return make_error("'" + std::string(rest.substr(0, end + 1)) +
                                  "': not the name of a variable; write $$ for a dollar sign");
            at += end + 1;
        } else {
            ++at;
        }
    }
    return {};
}

} // namespace

result<std::string> expand_specifiers(std::string_view text, const specifier_context& context)
{
    std::string out;
    while (true) {
        const auto percent = text.find('%');
        out += text.substr(0, percent);
        if (percent == std::string_view::npos) return out;
        text.remove_prefix(percent);
        const std::string_view* const value = text.size() > 1 ? find_specifier(text[1], context) : nullptr;
        if (value == nullptr) return unknown_specifier(text);
        out += *value;
        text.remove_prefix(2);
    }
}

result<void> check_specifiers(std::string_view text)
{
    if (auto expanded = expand_specifiers(text, {}); !expanded) return expanded.error();
    return {};
}

result<void> check_variables(const command& c)
{
    if (!c.expand_variables) return {};
    for (std::size_t n = 1; n < c.argv.size(); ++n)
        if (auto checked = check_word(c.argv[n]); !checked) return checked;
    return {};
}

result<std::vector<std::string>> expand_command(const command& c, const specifier_context& context,
                                                const environment& variables)
{
    std::vector<std::string> argv;
    for (std::size_t n = 0; n < c.argv.size(); ++n) {
        auto word = expand_specifiers(c.argv[n], context);
        if (!word) return word.error();
        // The file to execute may not be a variable (systemd.service(5)).
        if (n == 0 || !c.expand_variables)
            argv.push_back(std::move(*word));
        else if (is_variable_word(*word))
            append_split(argv, value_of(variables, std::string_view(*word).substr(1)));
        else
            argv.push_back(expand_within(*word, variables));
    }
    return argv;
}

} // namespace procctl
