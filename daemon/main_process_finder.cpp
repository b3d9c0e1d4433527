#include "daemon/main_process_finder.h"

#include "daemon/helpers/helper_main.h"
#include "daemon/notifications.h"

namespace procctl {
namespace {

constexpr duration reading_limit = std::chrono::seconds(5);

} // namespace

main_process_finder::main_process_finder(const supervisor& programs, reaper& processes,
                                         helper_runner& helpers, const host_facts& host, handlers h)
    : programs_(programs), reaper_(processes), helpers_(helpers), host_(host), handlers_(std::move(h))
{
}

void main_process_finder::find(const instance& i, const identity& who, const find_main& ordered)
{
    const instance_id id = i.id;
    if (i.program->config.pid_file.empty()) {
        const pid_t guess = reaper_.only_child(id);
        auto found = guess == 0 ? std::nullopt : find_process(reaper_, id, guess);
        if (!found) return handlers_.fact(id, main_not_found{ordered.serial});
        return handlers_.fact(id, main_found{ordered.serial, std::move(*found)});
    }
    const auto path = pid_file_of(i, who, host_);
    if (!path) {
        handlers_.warn(i, path.error().message());
        return handlers_.fact(id, main_not_found{ordered.serial});
    }
    read(id, ordered, *path, 0);
}

// How long a file is waited for is the core's business: it takes its order back.
void main_process_finder::read(instance_id who, const find_main& ordered, const std::string& path,
                               int refused)
{
    auto waiting =
        helpers_.watch(pid_file_task(path, ordered.waits, refused), ordered.waits ? infinity : reading_limit,
                       [this, who, ordered, path](const result<std::string>& answer) {
                           answered(who, ordered, path, answer);
                       });
    waiting_.insert_or_assign(who, std::move(waiting));
}

void main_process_finder::answered(instance_id who, const find_main& ordered, const std::string& path,
                                   const result<std::string>& answer)
{
    const instance* i = programs_.find(who);
    if (i == nullptr || i->status.sought_serial != ordered.serial) return;
    auto [process, problem, refused] = judge(who, path, answer);
    if (process) return handlers_.fact(who, main_found{ordered.serial, std::move(*process)});
    if (complained_of_ != ordered.serial || complainer_ != who) handlers_.warn(*i, problem);
    complained_of_ = ordered.serial;
    complainer_ = who;
    if (ordered.waits && refused != 0) return read(who, ordered, path, refused); // it may yet be corrected
    handlers_.fact(who, main_not_found{ordered.serial});
}

void main_process_finder::look_for_successor(const instance& i, const identity& who,
                                             std::function<void()> told)
{
    const auto path = pid_file_of(i, who, host_);
    if (!path) return told();
    // In the lane of those that wait, so that a helper which hangs elsewhere keeps no end from being told.
    auto looking = helpers_.watch(pid_file_task(*path, false), reading_limit,
                                  [this, id = i.id, path = *path, told](const result<std::string>& answer) {
                                      if (auto found = judge(id, path, answer); found.process)
                                          handlers_.fact(id, main_moved{std::move(*found.process)});
                                      told();
                                  });
    leaving_.insert_or_assign(i.id, std::move(looking));
}

void main_process_finder::forget(instance_id who)
{
    if (!waiting_.empty()) waiting_.erase(who);
}

void main_process_finder::forget_all(instance_id who)
{
    forget(who);
    leaving_.erase(who);
}

// systemd's service_is_suitable_main_pid(): a process outside the program is believed in only where nobody
// but root could have written the file.
main_process_finder::found_in_file main_process_finder::judge(instance_id who, const std::string& path,
                                                              const result<std::string>& answer)
{
    if (!answer) return {{}, "cannot read PID file " + path + ": " + answer.error().message(), 0};
    const auto read = pid_file_answer_from_json(*answer);
    if (!read) return {{}, "cannot read PID file " + path + ": " + read.error().message(), 0};
    if (!read->problem.empty()) return {{}, read->problem, 0};
    auto process = find_process(reaper_, who, read->pid);
    const std::string names = "PID file " + path + " names process " + std::to_string(read->pid);
    if (!process) return {{}, names + ", which does not live", read->pid};
    if (!process->is_member && !read->is_trusted)
        return {{}, names + ", which is none of this program, and the file is not root's", read->pid};
    return {std::move(process), {}, 0};
}

} // namespace procctl
