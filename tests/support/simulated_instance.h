// The world around one instance, as honest as the real one: the orders that have no answer yet, and the
// processes that are there.
//
// Processes may ignore every signal but SIGKILL, start others, end at any time and say anything. Only facts
// that are true are told. What the core may never do is checked here, for one instance; `must` throws.
#pragma once

#include "daemon/core/instance_machine.h"
#include "tests/support/dice.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <signal.h>

namespace procctl::test {

struct broken_promise : std::logic_error {
    using logic_error::logic_error;
};

inline void must(bool holds, const char* promise)
{
    if (!holds) throw broken_promise(promise);
}

struct simulated_process {
    int pid = 0;
    std::uint64_t serial = 0; // under which the core knows it; 0: it does not
    bool is_member = true;    // of the instance
    bool is_child = true;     // of the daemon, which can tell how it ends
    bool is_stubborn = false; // ignores every signal that can be ignored
    bool has_failed = false;  // could not execute its program: it ends by itself
    int fatal_signal = 0;     // it is about to die by this; 0: it is not
};

class simulated_instance {
public:
    // `next_pid` is shared by all instances. So many percent of what may go wrong does.
    simulated_instance(dice& random, int& next_pid, unsigned failures)
        : random_(random), next_pid_(next_pid), failures_(failures)
    {
    }

    // --- What the core orders. `program` is what runs, or what begins to run with this order.
    void obey(const program_config& program, const action& a)
    {
        if (const auto* made = std::get_if<start_process>(&a)) order_process(program, *made);
        if (const auto* checks = std::get_if<check_conditions>(&a)) check_ = fresh(checks->serial);
        if (const auto* finds = std::get_if<find_main>(&a)) {
            find_ = *finds;
            fresh(finds->serial);
        }
        if (const auto* watches = std::get_if<watch_main>(&a)) watch(*watches);
        if (const auto* sends = std::get_if<send_signal>(&a)) signal(program, *sends);
        if (const auto* stores = std::get_if<store_descriptors>(&a))
            must(stores->descriptors != nullptr, "only descriptors that came are stored");
        if (const auto* announces = std::get_if<announce_state>(&a)) {
            must(announces->from == announced_, "states are announced without a gap");
            must(announces->to != announced_, "a state is announced once");
            announced_ = announces->to;
        }
    }

    // A signal on its way, whoever sends it.
    void deliver(const send_signal& order)
    {
        for (simulated_process& p : processes_) {
            const bool is_main = p.serial != 0 && p.serial == main_;
            const bool is_control = p.serial != 0 && p.serial == control_;
            const bool is_meant = order.scope == signal_scope::main      ? is_main
                                  : order.scope == signal_scope::control ? is_control
                                  : order.scope == signal_scope::main_and_control
                                      ? is_main || is_control
                                      : is_main || is_control || p.is_member;
            if (!is_meant) continue;
            if (order.signal == SIGKILL)
                p.fatal_signal = SIGKILL;
            else if (!p.is_stubborn && order.signal != SIGCONT &&
                     random_.chance(order.signal == SIGHUP ? 5 : 60)) // that one asks for a reload, mostly
                p.fatal_signal = p.fatal_signal == SIGKILL ? SIGKILL : order.signal;
        }
    }

    // After all orders of a call: what has been taken back and let go, and whether all that is left has an
    // owner and an end. `ran` is the program before it, `runs` after it.
    void settle(const program_config& ran, const program_config& runs, const instance_status& before,
                const instance_status& s, bool has_time_passed)
    {
        take_back(s);
        for (simulated_process& p : processes_)
            if (p.serial != 0) check_owner(ran, p, before, s, has_time_passed);
        is_control_killed_ = is_main_replaced_ = false;
        check_claims(s);
        if (s.main_serial == 0 && s.control_serial == 0 && !s.has_others &&
            active_state_of(s.state) != active_state::inactive && s.state != sub_state::failed)
            must(std::ranges::none_of(processes_,
                                      [](const auto& p) { return p.is_member && p.fatal_signal != SIGKILL; }),
                 "while it is up, the instance knows that it has processes");
        check_waits(runs, s);
        std::erase_if(processes_, [](const auto& p) { return !p.is_member && p.serial == 0; });
    }

    // --- What happens. Each gives one fact, or nothing where it cannot happen.

    // An answer to one of the orders.
    std::optional<event> answer()
    {
        if (check_ != 0) return conditions_checked{std::exchange(check_, 0), !fails(50), !fails(50)};
        if (main_order_ && (!control_order_ || random_.chance(50)))
            return make(*std::exchange(main_order_, std::nullopt), main_);
        if (control_order_) return make(*std::exchange(control_order_, std::nullopt), control_);
        return find_main_process();
    }
    [[nodiscard]] bool has_to_answer() const
    {
        return check_ != 0 || main_order_ || control_order_ || (find_ && !find_->waits);
    }

    // The end of one of the processes. Those that must die do so first.
    std::optional<event> exit(const program_config& program, const instance_status& s, bool only_dying)
    {
        if (const auto moved = exit_of_moved()) return moved;
        const auto doomed = std::ranges::find_if(
            processes_, [](const auto& p) { return p.fatal_signal != 0 || p.has_failed; });
        if (doomed == processes_.end() && (only_dying || processes_.empty())) return std::nullopt;
        const auto i =
            doomed != processes_.end()
                ? doomed
                : processes_.begin() + static_cast<std::ptrdiff_t>(random_.below(processes_.size()));
        // Its PID file may name another process by the time that the daemon learns of the end.
        if (i->serial != 0 && i->serial == s.main_serial && !program.pid_file.empty() &&
            program.type == service_type::forking && processes_.size() > 1 && random_.chance(20)) {
            const simulated_process& other = processes_[random_.below(processes_.size())];
            if (other.pid != i->pid && other.fatal_signal == 0 && !other.has_failed) {
                moved_from_ = i->pid;
                return main_moved{as_found(other)};
            }
        }
        return end(i);
    }

    // The end of this one, where it is there.
    std::optional<event> exit_of(std::uint64_t serial)
    {
        const auto found = std::ranges::find(processes_, serial, &simulated_process::serial);
        return serial == 0 || found == processes_.end() ? std::nullopt : end(found);
    }

    // From now on those that are there obey nothing but SIGKILL.
    void hang()
    {
        for (simulated_process& p : processes_)
            p.is_stubborn = true;
    }

    // All processes of the instance are gone, and the core may hear of it on its own.
    std::optional<event> emptiness()
    {
        if (!std::exchange(is_emptied_, false) || has_members()) return std::nullopt;
        return processes_gone{};
    }

    void fork()
    {
        if (processes_.empty() || processes_.size() > 5) return;
        const simulated_process& parent = processes_[random_.below(processes_.size())];
        if (parent.fatal_signal != 0 || parent.has_failed) return;
        processes_.push_back({++next_pid_, 0, parent.is_member, random_.chance(70), random_.chance(30)});
    }

    std::optional<event> notify(const instance_status& s, const instant& now)
    {
        notified e;
        if (s.main_pid != 0 && random_.chance(20)) { // what is waited for, from whom it is waited for
            const bool reloads = s.state == sub_state::reload_signal;
            e.pid = s.main_pid;
            e.is_member = true;
            e.message.state = reloads ? notify_state::reloading : notify_state::ready;
            e.message.has_reloading = reloads;
            e.message.monotonic_usec = now.monotonic;
            return e;
        }
        const bool is_stranger = processes_.empty() || random_.chance(5);
        const simulated_process* const sender =
            is_stranger ? nullptr : &processes_[random_.below(processes_.size())];
        e.pid = sender == nullptr ? 1'000'000'000 : sender->pid;
        e.is_member = sender != nullptr && sender->is_member;
        e.is_privileged = random_.chance(30);
        e.message = random_message(now);
        if (random_.chance(20)) e.descriptors = std::make_shared<int>(1);
        if (e.message.main_pid) e.new_main = nominee();
        return e;
    }

    // --- What is there.
    [[nodiscard]] bool has_processes() const { return !processes_.empty(); }
    [[nodiscard]] bool has_members() const
    {
        return std::ranges::any_of(processes_, [](const auto& p) { return p.is_member; });
    }
    // Whether a command that belongs to a start was ordered in this call; asks once.
    bool has_begun() { return std::exchange(has_begun_, false); }
    [[nodiscard]] bool has_main() const { return main_ != 0; }

private:
    // Whether something goes wrong that is `percent` as likely as a failure.
    bool fails(unsigned percent) { return random_.chance(failures_) && random_.chance(percent); }

    std::uint64_t fresh(std::uint64_t serial)
    {
        must(serial > last_serial_, "every order has a serial of its own");
        return last_serial_ = serial;
    }

    void order_process(const program_config& program, const start_process& o)
    {
        fresh(o.serial);
        must(o.index < commands_of(program, o.command).size(), "only commands that there are are run");
        (o.is_control(program.type) ? control_order_ : main_order_) = o;
        switch (o.command) {
        case exec_command::condition:
        case exec_command::start_pre:
        case exec_command::start:
        case exec_command::start_post:
        case exec_command::reload: has_begun_ = true; return;
        case exec_command::stop:
        case exec_command::stop_post: return;
        }
    }

    simulated_process* find(int pid)
    {
        const auto found = std::ranges::find(processes_, pid, &simulated_process::pid);
        return found == processes_.end() ? nullptr : &*found;
    }

    void watch(const watch_main& order)
    {
        fresh(order.serial);
        simulated_process* const found = find(order.process.pid);
        must(found != nullptr, "only a living process becomes the main one");
        must(found->serial == 0 || found->serial != control_, "no process is main and control at once");
        found->serial = order.serial;
        main_ = order.serial;
        is_main_replaced_ = true;
    }

    void signal(const program_config& program, const send_signal& order)
    {
        const bool is_reload = order.scope == signal_scope::main;
        const bool is_late_reload = order.scope == signal_scope::control && order.signal == SIGKILL;
        must(program.kill != kill_mode::none || is_reload || is_late_reload, "kill_mode none is obeyed");
        if (order.scope == signal_scope::main) must(main_ != 0, "nobody is signaled that is not there");
        if (is_late_reload) {
            must(control_ != 0, "nobody is signaled that is not there");
            is_control_killed_ = true;
        }
        deliver(order);
    }

    // --- After a call

    void take_back(const instance_status& s)
    {
        if (main_order_ && main_order_->serial != s.main_serial) main_order_.reset();
        if (control_order_ && control_order_->serial != s.control_serial) control_order_.reset();
        if (check_ != s.check_serial) check_ = 0;
        if (find_ && find_->serial != s.sought_serial) find_.reset();
    }

    // A process that the core knew and knows no longer, though it lives, was let go on purpose: another one
    // is the main process by now, SIGKILL is on its way, or nobody may kill it, or all signals were in vain.
    // The parent of a forking program is one of its other processes once the main one has come and gone.
    void check_owner(const program_config& program, simulated_process& p, const instance_status& before,
                     const instance_status& s, bool has_time_passed)
    {
        if (p.serial == s.main_serial) return must(p.pid == s.main_pid, "the main process keeps its pid");
        if (p.serial == s.control_serial)
            return must(p.pid == s.control_pid, "the control process keeps its pid");
        const bool was_main = p.serial == before.main_serial;
        const bool is_given_up =
            has_time_passed && (!program.send_sigkill || before.state == sub_state::stop_sigkill ||
                                before.state == sub_state::final_sigkill);
        const bool is_parent = program.type == service_type::forking && before.state == sub_state::start &&
                               before.main_pid != 0 && s.main_pid == 0 && s.has_others;
        const bool is_on_purpose = (!was_main && is_parent) || program.kill == kill_mode::none ||
                                   is_given_up || (was_main ? is_main_replaced_ : is_control_killed_);
        must(is_on_purpose,
             was_main ? "a main process is not forgotten" : "a control process is not forgotten");
        if (p.serial == main_) main_ = 0;
        if (p.serial == control_) control_ = 0;
        p.serial = 0;
    }

    // What the core believes is there.
    void check_claims(const instance_status& s)
    {
        const auto lives = [&](std::uint64_t serial) {
            return std::ranges::any_of(processes_, [&](const auto& p) { return p.serial == serial; });
        };
        if (s.main_pid != 0) must(s.main_serial != 0 && lives(s.main_serial), "the main process lives");
        if (s.control_pid != 0)
            must(s.control_serial != 0 && lives(s.control_serial), "the control process lives");
        if (s.main_serial != 0 && s.main_pid == 0)
            must(main_order_.has_value(), "a main process that is waited for has been ordered");
        if (s.control_serial != 0 && s.control_pid == 0)
            must(control_order_.has_value(), "a control process that is waited for has been ordered");
        if (s.check_serial != 0) must(check_ != 0, "conditions that are waited for are being checked");
        if (s.sought_serial != 0) must(find_.has_value(), "a search that is waited for is under way");
        must(s.announced == announced_, "what is announced is remembered");
    }

    void check_waits(const program_config& program, const instance_status& s) const
    {
        const active_state active = active_state_of(s.state);
        if (is_down(s)) {
            must(next_deadline(s) == never, "what is down waits for no time");
            return;
        }
        const bool is_at_rest = s.state == sub_state::exited ||
                                (s.state == sub_state::auto_restart && program.restart_sec == infinity);
        const bool can_go_on = next_deadline(s) != never || has_to_answer() || main_ != 0 || control_ != 0 ||
                               ((has_members() || is_emptied_) && s.has_others);
        must(is_at_rest || can_go_on, "a state that waits has something to wait for");
        if (active == active_state::deactivating) {
            const bool aborts = s.state == sub_state::stop_watchdog || s.state == sub_state::final_watchdog;
            const duration limit =
                aborts ? program.timeout_abort.value_or(program.timeout_stop) : program.timeout_stop;
            must(limit == infinity || limit == duration::zero() || s.deadline != never,
                 "a stop has a time limit");
        }
        if (s.state == sub_state::running) must(main_ != 0 || s.has_others, "what is running has a process");
        if (s.state != sub_state::auto_restart || program.restart_sec == infinity) return;
        must(s.deadline != never, "a restart has its time");
    }

    // --- Facts

    event make(const start_process& order, std::uint64_t& role)
    {
        if (fails(20)) return process_not_started{order.serial};
        if (fails(10)) return process_exited{order.serial, {exit_code_kind::exited, 217}, has_members()};
        simulated_process p{++next_pid_, order.serial};
        p.is_stubborn = random_.chance(30);
        p.has_failed = fails(20);
        role = p.serial;
        processes_.push_back(p);
        is_emptied_ = false;
        return process_started{p.serial, p.pid, {p.has_failed ? 203 : 0, p.has_failed ? 2 : 0}};
    }

    std::optional<event> find_main_process()
    {
        if (!find_) return std::nullopt;
        std::vector<const simulated_process*> candidates;
        for (const simulated_process& p : processes_)
            if (p.fatal_signal == 0 && !p.has_failed && p.is_member) candidates.push_back(&p);
        if (!candidates.empty() && random_.chance(60)) {
            const main_found fact{find_->serial, as_found(*candidates[random_.below(candidates.size())])};
            find_.reset();
            return fact;
        }
        if (find_->waits) return std::nullopt;
        return main_not_found{std::exchange(find_, std::nullopt)->serial};
    }

    // The process whose place was taken by another, in the same breath.
    std::optional<event> exit_of_moved()
    {
        const int pid = std::exchange(moved_from_, 0);
        const auto found = std::ranges::find(processes_, pid, &simulated_process::pid);
        return found == processes_.end() ? std::nullopt : end(found);
    }

    std::optional<event> end(std::vector<simulated_process>::iterator i)
    {
        const simulated_process p = *i;
        processes_.erase(i);
        if (p.is_member && !has_members()) is_emptied_ = true;
        if (p.serial == main_) main_ = 0;
        if (p.serial == control_) control_ = 0;
        if (p.serial == 0) return std::nullopt;
        process_end end{exit_code_kind::exited, 0};
        if (fails(100)) end.status = random_.pick({1, 2, 3, 255});
        if (fails(60)) end = {exit_code_kind::killed, random_.pick({SIGTERM, SIGSEGV, SIGHUP, SIGKILL})};
        if (fails(20)) end = {exit_code_kind::dumped, SIGABRT};
        if (p.fatal_signal != 0) end = {exit_code_kind::killed, p.fatal_signal};
        if (p.has_failed) end = {exit_code_kind::exited, 203};
        if (!p.is_child) end = {};
        return process_exited{p.serial, end, has_members()};
    }

    [[nodiscard]] static found_process as_found(const simulated_process& p)
    {
        return {p.pid, p.is_member, p.is_child, std::make_shared<int>(p.pid)};
    }

    // The process that a MAINPID= names: one of them, one from outside, or none.
    std::optional<found_process> nominee()
    {
        if (random_.chance(15)) return std::nullopt;
        if (processes_.empty() || random_.chance(20)) {
            processes_.push_back({++next_pid_, 0, false, false, random_.chance(30)});
            return as_found(processes_.back());
        }
        const simulated_process& p = processes_[random_.below(processes_.size())];
        if (p.fatal_signal != 0 || p.has_failed) return std::nullopt;
        return as_found(p);
    }

    notify_message random_message(const instant& now)
    {
        using namespace std::chrono_literals;
        notify_message m;
        if (random_.chance(60))
            m.state = random_.pick({notify_state::ready, notify_state::ready, notify_state::reloading});
        if (fails(20)) m.state = notify_state::stopping;
        m.has_reloading =
            m.state == notify_state::reloading || (m.state == notify_state::ready && random_.chance(30));
        if (m.has_reloading && random_.chance(70))
            m.monotonic_usec = random_.chance(70) ? now.monotonic : now.monotonic - 10s;
        if (random_.chance(10)) m.main_pid = 1;
        if (random_.chance(15)) m.watchdog = fails(50) ? watchdog_request::trigger : watchdog_request::ping;
        if (random_.chance(5)) m.watchdog_usec = random_.pick<duration>({0s, 1s, 10s});
        if (random_.chance(5)) m.extend_timeout_usec = random_.pick<duration>({0s, 1s, 2min});
        if (random_.chance(10)) m.status = "as \"ever\"";
        if (random_.chance(5)) m.errno_value = 2;
        if (random_.chance(5)) m.exit_status = 3;
        m.is_barrier = random_.chance(3);
        if (random_.chance(10)) {
            (random_.chance(70) ? m.stores_descriptors : m.removes_descriptors) = true;
            m.descriptor_name = "stored";
        }
        return m;
    }

    dice& random_;
    int& next_pid_;
    unsigned failures_;
    std::vector<simulated_process> processes_;
    // Orders without an answer.
    std::optional<start_process> main_order_, control_order_;
    std::optional<find_main> find_;
    std::uint64_t check_ = 0;
    // The living ones under these serials.
    std::uint64_t main_ = 0, control_ = 0;
    std::uint64_t last_serial_ = 0;
    sub_state announced_ = sub_state::dead;
    int moved_from_ = 0; // it ends next; the core has been told of its successor
    bool is_emptied_ = false;
    bool is_control_killed_ = false, is_main_replaced_ = false, has_begun_ = false;
};

} // namespace procctl::test
