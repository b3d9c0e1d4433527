#include "tests/support/oracle_processes.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include <signal.h>

namespace procctl::oracle {
namespace {

using namespace std::chrono_literals;

constexpr duration moment = 1ms;

template <class... Ts> struct overloaded : Ts... {
    using Ts::operator()...;
};
template <class... Ts> overloaded(Ts...) -> overloaded<Ts...>;

bool has_core_action(int signal)
{
    constexpr std::array core{SIGQUIT, SIGILL,  SIGTRAP, SIGABRT, SIGBUS,
                              SIGFPE,  SIGSEGV, SIGXCPU, SIGXFSZ, SIGSYS};
    return std::ranges::find(core, signal) != core.end();
}

bool is_ignored_by_default(int signal)
{
    constexpr std::array ignored{SIGCONT, SIGCHLD, SIGURG, SIGWINCH};
    return std::ranges::find(ignored, signal) != ignored.end();
}

process_end death_by(const behaviour& what, int signal)
{
    const bool dumps = what.dumps_core && has_core_action(signal);
    return {dumps ? exit_code_kind::dumped : exit_code_kind::killed, signal};
}

std::string replaced(std::string text, std::string_view what, int pid)
{
    if (const std::size_t at = text.find(what); at != std::string::npos)
        text.replace(at, what.size(), std::to_string(pid));
    return text;
}

} // namespace

process_table::process_table(std::function<bool(int)> is_active) : is_active_(std::move(is_active))
{
    process& p = all_[stranger];
    p.frames.push_back({{pause_for_ever{}}, 0, infinity});
}

int process_table::make(int group, const behaviour& what, const variables& environment, duration now)
{
    return add({.group = group, .what = what, .environment = environment}, now + moment);
}

int process_table::add(process p, duration wakes)
{
    p.frames.push_back({p.what.run, 0, wakes});
    all_[++last_pid_] = std::move(p);
    return last_pid_;
}

void process_table::signal(int pid, int signal)
{
    process& p = all_.at(pid);
    if (!p.is_alive) return;
    if (signal == SIGSTOP) {
        p.is_stopped = true;
        return;
    }
    if (signal == SIGCONT || signal == SIGKILL) p.is_stopped = false;
    p.pending.push_back(signal);
}

duration process_table::wake_of(const process& p)
{
    if (!p.is_alive || p.is_stopped) return infinity;
    return p.pending.empty() ? p.frames.back().wakes : duration{};
}

duration process_table::next_wake() const
{
    duration next = infinity;
    for (const auto& [pid, p] : all_)
        next = std::min(next, wake_of(p));
    return next;
}

std::vector<happening> process_table::run(duration now)
{
    for (bool is_due = true; is_due;) {
        is_due = false;
        std::vector<int> due;
        for (const auto& [pid, p] : all_)
            if (wake_of(p) <= now) due.push_back(pid);
        for (const int pid : due)
            run_one(pid, now);
        is_due = !due.empty();
    }
    // Among what happens at once messages come before ends: whoever sent one was alive.
    std::ranges::stable_partition(happened_,
                                  [](const happening& h) { return std::holds_alternative<message_sent>(h); });
    return std::exchange(happened_, {});
}

void process_table::run_one(int pid, duration now)
{
    // Making a child moves no other process: references into a map stay valid.
    process& p = all_.at(pid);
    take_signals(pid, now);
    while (p.is_alive && p.frames.back().wakes <= now) {
        frame& f = p.frames.back();
        if (f.next < f.run.size()) {
            const statement s = f.run[f.next++];
            if (!execute(pid, s, now)) --p.frames.back().next;
        } else if (p.frames.size() > 1) {
            p.frames.pop_back();
        } else {
            end(pid, {exit_code_kind::exited, p.status});
        }
        if (p.is_alive) take_signals(pid, now);
    }
}

void process_table::take_signals(int pid, duration now)
{
    process& p = all_.at(pid);
    while (p.is_alive && !p.is_stopped && !p.pending.empty()) {
        const int signal = p.pending.front();
        p.pending.erase(p.pending.begin());
        const auto found = p.what.on_signal.find(signal);
        if (signal == SIGKILL) {
            end(pid, {exit_code_kind::killed, SIGKILL});
        } else if (found != p.what.on_signal.end()) {
            if (!found->second) continue;
            p.frames.push_back({*found->second, 0, now});
            return; // the handler first, then the next signal
        } else if (!p.what.ignores_other_signals && !is_ignored_by_default(signal)) {
            end(pid, death_by(p.what, signal));
        }
    }
}

// False when the statement is to be tried again.
bool process_table::execute(int pid, const statement& s, duration now)
{
    process& p = all_.at(pid);
    duration& wakes = p.frames.back().wakes;
    const auto log_it = [&](std::string words) { log.push_back({now, pid, std::move(words)}); };
    return std::visit(
        overloaded{
            [&](const sleep_for& x) {
                wakes = now + x.time;
                return true;
            },
            [&](const exit_now& x) {
                end(pid, {exit_code_kind::exited, x.status});
                return true;
            },
            [&](const kill_itself& x) {
                p.pending.push_back(x.signal);
                return true;
            },
            [&](const die_by& x) {
                end(pid, death_by(p.what, x.signal));
                return true;
            },
            [&](const kill_main& x) {
                signal(std::stoi(p.environment.at("MAINPID")), x.signal);
                return true;
            },
            [&](const send_message& x) {
                if (x.once && !sent_once_.insert(std::to_string(p.group) + x.text).second) return true;
                if (x.once) log_it("send " + x.text);
                if (!p.environment.contains("NOTIFY_SOCKET")) {
                    if (!log.empty() && log.back().pid == pid) log.back().words += " (no NOTIFY_SOCKET)";
                    return true;
                }
                std::string text = replaced(x.text, "{PID}", pid);
                text = replaced(replaced(text, "{CHILD}", p.last_child), "{FOREIGN}", stranger);
                happened_.push_back(message_sent{pid, text});
                return true;
            },
            [&](const fork_child& x) {
                process child{
                    .group = p.group, .parent = pid, .what = *x.child, .environment = p.environment};
                if (!x.child->ignores_other_signals)
                    child.what.on_signal.insert(p.what.on_signal.begin(), p.what.on_signal.end());
                child.what.dumps_core = p.what.dumps_core;
                p.last_child = add(std::move(child), now);
                return true;
            },
            [&](const wait_for_children&) {
                const bool is_alone = std::ranges::none_of(all_, [&](const auto& other) {
                    return other.second.is_alive && other.second.parent == pid;
                });
                wakes = is_alone ? now : infinity;
                return is_alone;
            },
            [&](const pause_for_ever&) {
                wakes = infinity;
                return false;
            },
            [&](const forget_handlers&) {
                std::erase_if(p.what.on_signal, [](const auto& item) { return item.second.has_value(); });
                return true;
            },
            [&](const wait_until_active&) {
                if (is_active_(p.group)) return true;
                wakes = now + 100ms;
                return false;
            },
            [&](const test_file& x) {
                p.status = files.contains(x.path) ? 0 : 1;
                return true;
            },
            [&](const write_child_pid& x) {
                pid_files[x.path] = p.last_child;
                return true;
            },
            [&](const log_words& x) {
                log_it(expanded(p, x.words));
                return true;
            },
            [&](const log_variable& x) {
                const auto found = p.environment.find(x.name);
                log_it("env " + x.name + '=' + (found == p.environment.end() ? "<unset>" : found->second));
                return true;
            },
            [&](const std::shared_ptr<const set_handler>& x) {
                p.what.on_signal[x->signal] = x->reaction;
                return true;
            },
        },
        s);
}

void process_table::end(int pid, process_end how)
{
    process& p = all_.at(pid);
    p.is_alive = false;
    for (auto& [other, child] : all_)
        if (child.parent == pid) child.parent = 0;
    if (p.parent != 0)
        for (frame& f : all_.at(p.parent).frames)
            if (f.wakes == infinity) f.wakes = duration{}; // it may wait for its children
    happened_.push_back(process_ended{pid, how});
}

std::string process_table::expanded(const process& p, std::string_view words) const
{
    std::string text;
    for (std::size_t i = 0; i < words.size();) {
        if (words[i] != '$') {
            text += words[i++];
            continue;
        }
        const std::size_t end = std::min(words.find(' ', i), words.size());
        const std::string_view item = words.substr(i + 1, end - i - 1);
        i = end;
        const std::size_t operation = item.find_first_of("-:");
        const auto found = p.environment.find(std::string(item.substr(0, operation)));
        const bool is_set = found != p.environment.end();
        if (item[operation] == '-')
            text += is_set ? found->second : std::string(item.substr(operation + 1));
        else if (is_set && !found->second.empty())
            text += item.substr(operation + 2);
    }
    return text;
}

bool process_table::is_alive(int pid) const
{
    const auto found = all_.find(pid);
    return found != all_.end() && found->second.is_alive;
}

int process_table::group_of(int pid) const
{
    const auto found = all_.find(pid);
    return found == all_.end() ? no_group : found->second.group;
}

bool process_table::is_child_of_daemon(int pid) const
{
    const auto found = all_.find(pid);
    return pid != stranger && found != all_.end() && found->second.parent == 0;
}

std::vector<int> process_table::living(int group) const
{
    std::vector<int> pids;
    for (const auto& [pid, p] : all_)
        if (p.is_alive && p.group == group) pids.push_back(pid);
    return pids;
}

const std::string& process_table::label_of(int pid) const { return all_.at(pid).what.label; }

} // namespace procctl::oracle
