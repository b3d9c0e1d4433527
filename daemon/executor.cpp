#include "daemon/executor.h"

#include "daemon/helpers/helper_main.h"

namespace procctl {
namespace {

constexpr duration environment_limit = std::chrono::seconds(30);
constexpr duration identity_limit = std::chrono::seconds(30);

bool runs_as_daemon(const program_config& config)
{
    return config.user.empty() && config.group.empty() && config.supplementary_groups.empty();
}

} // namespace

executor::executor(const supervisor& programs, reaper& children, output_client& output,
                   helper_runner& helpers, host_facts host, handlers h)
    : programs_(programs), reaper_(children), output_(output), helpers_(helpers), host_(std::move(host)),
      handlers_(std::move(h))
{
}

void executor::set_identities(std::map<std::string, resolved_identity> found, identity self)
{
    // What is known stays known: a directory service that has just gone away takes nothing from us.
    for (auto& [key, who] : found)
        if (auto& known = identities_[key]; who.who || !known.who) known = std::move(who);
    self_.who = std::move(self);
}

void executor::start(const instance& i)
{
    runtime& mine = runtimes_[i.id];
    const instance_status& s = i.status;
    // An order that had to wait for its turn may have been taken back since, or be another's already.
    if (s.main_serial == 0 || s.main_serial == mine.serial || s.main_pid != 0) return;
    // A new run; the next command of a oneshot is none, and what the one before it left behind is still its
    // own.
    if (s.command_index == 0) abandon_leftovers(i.id, mine);
    mine.serial = s.main_serial;
    notes_.erase(i.id);
    find_identity(i.id, mine.serial, s.command_index);
}

bool executor::is_wanted(instance_id who, std::uint64_t serial) const
{
    const instance* i = programs_.find(who);
    return i != nullptr && i->status.main_serial == serial && i->status.main_pid == 0;
}

void executor::find_identity(instance_id who, std::uint64_t serial, unsigned command_index)
{
    const program_config& config = programs_.find(who)->program->config;
    if (runs_as_daemon(config)) return read_environment(who, serial, command_index, self_);
    const std::string key = identity_key(config);
    if (const auto known = identities_.find(key); known != identities_.end() && known->second.who)
        return read_environment(who, serial, command_index, known->second);

    // Unknown when the configuration was loaded; the directory service may have come up since.
    helpers_.collect(identity_task(config), identity_limit,
                     [this, who, serial, command_index, key](const result<std::string>& answer) {
                         if (!is_wanted(who, serial)) return;
                         resolved_identity found;
                         found.message = "cannot look up its user";
                         if (!answer) {
                             found.message += ": " + answer.error().message();
                         } else if (auto loaded = load_result_from_json(*answer);
                                    loaded && !loaded->identities.empty()) {
                             found = std::move(loaded->identities.begin()->second);
                         }
                         if (found.who) identities_[key] = found;
                         read_environment(who, serial, command_index, found);
                     });
}

void executor::read_environment(instance_id who, std::uint64_t serial, unsigned command_index,
                                const resolved_identity& found)
{
    const instance& i = *programs_.find(who);
    const auto& files = i.program->config.environment_files;
    // systemd reads them before it forks, and finds out about the account after; a missing file comes first.
    if (files.empty()) return run(who, serial, command_index, found, {});

    std::vector<environment_file> expanded;
    for (const environment_file& file : files) {
        auto path = expand_path(i, found.who ? *found.who : *self_.who, host_, file.path);
        if (!path) return fail(who, serial, path.error().message());
        expanded.push_back({std::move(*path), file.optional});
    }
    helpers_.collect(environment_task(expanded), environment_limit,
                     [this, who, serial, command_index, found](const result<std::string>& answer) {
                         if (!is_wanted(who, serial)) return;
                         if (!answer) return fail(who, serial, answer.error().message());
                         const auto read = environment_answer_from_json(*answer);
                         if (!read) return fail(who, serial, read.error().message());
                         if (!read->missing.empty()) return fail(who, serial, read->missing);
                         for (const std::string& complaint : read->complaints)
                             handlers_.warn(*programs_.find(who), complaint);
                         run(who, serial, command_index, found, read->variables);
                     });
}

void executor::run(instance_id who, std::uint64_t serial, unsigned command_index,
                   const resolved_identity& found, const environment& from_files)
{
    if (!found.who) return fail_identity(who, serial, found);
    const instance& i = *programs_.find(who);
    const identity& account = *found.who;
    auto request = prepare_process(i, command_index, account, host_, from_files);
    if (!request) return fail(who, serial, request.error().message());
    const auto output = output_of(i, account);
    if (!output) return fail(who, serial, output.error().message());
    request->standard_output = *output;
    request->standard_error = *output;

    auto child = spawn(*request);
    if (!child) return fail(who, serial, child.error().message());
    const spawn_failure failure{
        child->failed_stage == spawn_stage::none ? 0 : exit_status_of(child->failed_stage),
        child->failed_errno};
    if (failure.exit_status != 0)
        notes_[who] = describe_failure(*request, child->failed_stage, child->failed_errno);
    reaper_.watch(token_of(who, serial), child->pid, std::move(child->pidfd), true);
    handlers_.fact(who, main_started{serial, child->pid, failure});
}

void executor::fail_identity(instance_id who, std::uint64_t serial, const resolved_identity& missing)
{
    notes_[who] = missing.message;
    const int status = exit_status_of(missing.is_group ? spawn_stage::group : spawn_stage::user);
    handlers_.fact(who, main_exited{serial, {exit_code_kind::exited, status}, false});
}

void executor::fail(instance_id who, std::uint64_t serial, std::string reason)
{
    handlers_.warn(*programs_.find(who), reason);
    notes_[who] = std::move(reason);
    handlers_.fact(who, main_not_started{serial});
}

result<int> executor::output_of(const instance& i, const identity& account)
{
    auto path = log_path_of(i, account, host_);
    if (!path) return path.error();
    runtime& mine = runtimes_[i.id];
    if (mine.stream != 0 && mine.stream_path != *path) output_.close(std::exchange(mine.stream, 0));
    if (mine.stream == 0) {
        auto opened = output_.open(*path);
        if (!opened) return opened.error();
        mine.stream = *opened;
        mine.stream_path = std::move(*path);
    }
    return output_.write_end(mine.stream);
}

void executor::signal(const instance& i, const send_signal& ordered)
{
    const auto found = runtimes_.find(i.id);
    if (found == runtimes_.end()) return;
    const runtime& mine = found->second;
    const auto warn = [&](const result<void>& sent) {
        if (!sent) handlers_.warn(i, sent.error().message());
    };
    const reaper::token main = token_of(i.id, mine.serial);
    if (ordered.scope == signal_scope::main) return warn(reaper_.signal(main, ordered.signal));
    if (ordered.scope == signal_scope::group) warn(reaper_.signal_group(main, ordered.signal));
    for (const std::uint64_t serial : mine.leftovers)
        if (ordered.scope == signal_scope::others || serial != mine.serial)
            warn(reaper_.signal_group(token_of(i.id, serial), ordered.signal));
}

void executor::abandon_leftovers(instance_id who, runtime& mine)
{
    for (const std::uint64_t serial : std::exchange(mine.leftovers, {}))
        reaper_.abandon(token_of(who, serial));
}

void executor::forget(instance_id who)
{
    const auto found = runtimes_.find(who);
    if (found == runtimes_.end()) return;
    runtime& mine = found->second;
    abandon_leftovers(who, mine);
    if (mine.stream != 0) output_.close(mine.stream);
    runtimes_.erase(found);
    notes_.erase(who);
}

void executor::child_exited(reaper::token token, const process_end& end, bool has_leftovers)
{
    const auto who = static_cast<instance_id>(token >> 32U);
    const auto found = runtimes_.find(who);
    if (found == runtimes_.end() || token != token_of(who, found->second.serial)) {
        if (has_leftovers) reaper_.abandon(token);
        return;
    }
    runtime& mine = found->second;
    if (has_leftovers) mine.leftovers.push_back(mine.serial);
    handlers_.fact(who, main_exited{mine.serial, end, !mine.leftovers.empty()});
}

void executor::child_group_gone(reaper::token token)
{
    const auto who = static_cast<instance_id>(token >> 32U);
    const auto found = runtimes_.find(who);
    if (found == runtimes_.end()) return;
    runtime& mine = found->second;
    const auto gone =
        std::erase_if(mine.leftovers, [&](std::uint64_t serial) { return token == token_of(who, serial); });
    if (gone != 0 && mine.leftovers.empty()) handlers_.fact(who, leftovers_gone{mine.serial});
}

std::string executor::note(instance_id who) const
{
    const auto found = notes_.find(who);
    return found == notes_.end() ? std::string() : found->second;
}

std::string executor::log_path(const instance& i) const
{
    const auto known = identities_.find(identity_key(i.program->config));
    const identity nobody;
    const resolved_identity& who =
        runs_as_daemon(i.program->config) || known == identities_.end() ? self_ : known->second;
    auto path = log_path_of(i, who.who ? *who.who : nobody, host_);
    return path ? std::move(*path) : std::string();
}

} // namespace procctl
