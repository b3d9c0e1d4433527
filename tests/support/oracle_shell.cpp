#include "tests/support/oracle_shell.h"

#include "common/signal_name.h"
#include "tests/support/oracle.h"

#include <stdexcept>

namespace procctl::oracle {
namespace {

// Up to the next ';' or '&' outside quotes and parentheses.
struct statement_text {
    std::string text;
    bool in_background = false;
    std::string_view rest;
};

std::string trimmed(std::string_view text)
{
    const auto parts = split(text, "\n");
    return parts.empty() ? std::string() : parts.front();
}

statement_text next_statement(std::string_view text)
{
    int depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '"') quoted = !quoted;
        if (quoted) continue;
        depth += c == '(' ? 1 : c == ')' ? -1 : 0;
        if (depth == 0 && (c == ';' || c == '&'))
            return {trimmed(text.substr(0, i)), c == '&', text.substr(i + 1)};
    }
    return {trimmed(text), false, {}};
}

void append(script& to, script more) { to.insert(to.end(), more.begin(), more.end()); }

// trap "ACTION" SIGNAL
statement read_trap(const std::string& text)
{
    const std::size_t end = text.find('"', 6);
    const std::string action = text.substr(6, end - 6);
    return handle(signal_number(text.substr(end + 2)),
                  action.empty() ? handler() : handler(read_shell(action)));
}

// echo "WORDS" >> FILE, with ${NAME-word} and ${NAME:+word} in the words.
log_words read_echo(const std::string& text)
{
    const std::size_t begin = text.find('"') + 1;
    std::string words;
    for (const char c : text.substr(begin, text.rfind('"') - begin))
        if (c == '$' && words.ends_with('$'))
            continue;
        else if (c != '{' && c != '}')
            words += c;
    return {words};
}

script read_words(const std::string& text)
{
    const std::vector<std::string> words = split(text, " ");
    if (words.empty() || words[0] == ":" || text == "p=$$!") return {};
    const std::string& last = words.back();
    if (words[0] == "exec") {
        script run{forget_handlers{}};
        append(run, read_words(text.substr(5)));
        run.push_back(exit_now{0});
        return run;
    }
    if (words[0] == "sleep") return {sleep_for{read_seconds(words.at(1))}};
    if (words[0] == "exit") return {exit_now{std::stoi(words.at(1))}};
    if (words[0] == "wait") return {wait_for_children{}};
    if (words[0] == "test" && words.at(1) == "-e") return {test_file{last}};
    if (words[0] == "systemd-notify") return {send_message{last == "--ready" ? "READY=1" : last}};
    if (words[0] == "/bin/sh" && words.at(1).ends_with("/note.sh")) return {log_words{last}};
    if (text.starts_with("echo $$p > ")) return {write_child_pid{last}};
    if (words[0] == "echo") return {read_echo(text)};
    if (text.starts_with("kill -s ") && last.starts_with("$$"))
        return {kill_itself{signal_number(words.at(2))}};
    if (text.starts_with("trap \"")) return {read_trap(text)};
    if (text == "sh -c :") return {sleep_for{}};
    cannot_simulate(text);
}

} // namespace

script read_shell(std::string_view text)
{
    script run;
    while (!text.empty()) {
        const statement_text next = next_statement(text);
        text = next.rest;
        if (!next.in_background) {
            append(run, read_words(next.text));
            continue;
        }
        // A child of the shell has what the shell ignores, but not its traps.
        script child{forget_handlers{}};
        const bool is_group = next.text.starts_with('(');
        append(child, is_group ? read_shell(std::string_view(next.text).substr(1, next.text.size() - 2))
                               : read_words(next.text));
        run.push_back(fork_with(std::move(child)));
    }
    return run;
}

int signal_number(std::string_view name)
{
    const result<int> number = parse_signal(std::string(name));
    if (!number) cannot_simulate("signal " + std::string(name));
    return *number;
}

duration read_seconds(std::string_view text)
{
    const result<duration> d = parse_duration(text);
    if (!d) cannot_simulate("duration " + std::string(text));
    return *d;
}

void cannot_simulate(const std::string& what) { throw std::runtime_error("cannot simulate: " + what); }

} // namespace procctl::oracle
