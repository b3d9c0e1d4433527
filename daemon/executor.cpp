#include "daemon/executor.h"

#include "daemon/control/words.h"
#include "daemon/core/command_environment.h"
#include "daemon/describe_output.h"
#include "daemon/helpers/helper_main.h"
#include "daemon/os/foreign_descriptors.h"
#include "daemon/os/input_data.h"

#include <filesystem>

#include <signal.h>

namespace procctl {
namespace {

constexpr duration environment_limit = std::chrono::seconds(30);
constexpr duration conditions_limit = std::chrono::seconds(30);

std::string notify_folder_of(const host_facts& host)
{
    return std::filesystem::path(host.daemon.socket).parent_path() / "notify";
}

// What a run that begins is made of.
const program_config& config_of(const instance& i)
{
    return (i.next_program ? i.next_program : i.program)->config;
}

bool is_first_of_run(const program_config& config, const start_process& ordered)
{
    const exec_command first = !config.exec_condition.empty()   ? exec_command::condition
                               : !config.exec_start_pre.empty() ? exec_command::start_pre
                                                                : exec_command::start;
    return ordered.command == first && ordered.index == 0;
}

} // namespace

executor::executor(boost::asio::io_context& io, const supervisor& programs, reaper& processes,
                   output_streams& output, accounts& known, helper_runner& helpers, host_facts host,
                   handlers h)
    : io_(io), programs_(programs), reaper_(processes), output_(output), accounts_(known), helpers_(helpers),
      host_(std::move(host)), handlers_(std::move(h)),
      notifications_(io, programs, processes, notify_folder_of(host_), handlers_.fact),
      finder_(programs, processes, helpers, host_, {handlers_.fact, handlers_.warn})
{
}

// --- Before a process

void executor::check(const instance& i, const check_conditions& ordered)
{
    const instance_id id = i.id;
    if (i.status.check_serial != ordered.serial) return;
    const program_config& config = config_of(i);
    const auto failed = [&](const std::string& why) {
        handlers_.warn(i, "cannot look at its path conditions: " + why);
        handlers_.fact(id, conditions_checked{.serial = ordered.serial, .is_known = false});
    };
    std::vector<path_condition> conditions = config.condition_path_exists;
    std::vector<path_condition> asserts = config.assert_path_exists;
    for (auto* list : {&conditions, &asserts})
        for (path_condition& condition : *list) {
            auto path = expand_path(i, accounts_.of(i.program->config), host_, condition.path);
            if (!path) return failed(path.error().message());
            condition.path = std::move(*path);
        }
    helpers_.collect(
        conditions_task(conditions, asserts), conditions_limit,
        [this, id, ordered](const result<std::string>& text) {
            const instance* asker = programs_.find(id);
            if (asker == nullptr || asker->status.check_serial != ordered.serial) return;
            const auto answer =
                text ? conditions_answer_from_json(*text) : result<conditions_answer>(text.error());
            conditions_checked fact{.serial = ordered.serial};
            if (!answer) {
                handlers_.warn(*asker, "cannot look at its path conditions: " + answer.error().message());
                fact.is_known = false;
            } else if (!answer->condition_met || !answer->assert_met) {
                handlers_.warn(*asker, "not started: " + (answer->condition_met
                                                              ? path_asserts(config_of(*asker))
                                                              : path_conditions(config_of(*asker))));
                fact.condition_met = answer->condition_met;
                fact.assert_met = answer->assert_met;
            }
            handlers_.fact(id, fact);
            // An automatic restart that is skipped announces nothing.
            if (const instance* after = programs_.find(id)) state_changed(*after);
        });
}

void executor::find(const instance& i, const find_main& ordered)
{
    if (i.status.sought_serial == ordered.serial) finder_.find(i, accounts_.of(i.program->config), ordered);
}

// --- Making a process

void executor::start(const instance& i, const start_process& ordered)
{
    const start_order wanted{i.id, ordered};
    // An order that had to wait for its turn may have been taken back since.
    if (!is_wanted(wanted)) return;
    open_group(i);
    if (is_first_of_run(i.program->config, ordered)) {
        notes_.erase(i.id);
        if (reaper_.has_processes(i.id))
            handlers_.warn(i, "processes of an earlier run live yet; they count as this run's from here on");
    }
    find_identity(wanted);
}

void executor::open_group(const instance& i)
{
    runtimes_[i.id];
    if (const auto opened = reaper_.open_group(i.id, i.name); !opened)
        handlers_.warn(i, opened.error().message());
    reaper_.set_invocation(i.id, i.status.invocation.text());
}

bool executor::is_wanted(const start_order& wanted) const
{
    const instance* i = programs_.find(wanted.who);
    if (i == nullptr) return false;
    const instance_status& s = i->status;
    return (s.main_serial == wanted.what.serial && s.main_pid == 0) ||
           (s.control_serial == wanted.what.serial && s.control_pid == 0);
}

void executor::find_identity(const start_order& wanted)
{
    accounts_.find(programs_.find(wanted.who)->program->config,
                   [this, wanted](const resolved_identity& found) {
                       if (is_wanted(wanted)) read_environment(wanted, found);
                   });
}

void executor::read_environment(const start_order& wanted, const resolved_identity& found)
{
    const instance& i = *programs_.find(wanted.who);
    const auto& files = i.program->config.environment_files;
    // systemd reads them before it forks, and finds out about the account after; a missing file comes first.
    const auto go_on = [this, wanted, found](const environment& variables) {
        if (found.who) return find_log_owner(wanted, *found.who, variables);
        fail_stage(wanted, found.is_group ? spawn_stage::group : spawn_stage::user, found.message);
    };
    if (files.empty()) return go_on({});

    std::vector<environment_file> expanded;
    for (const environment_file& file : files) {
        auto path =
            expand_path(i, found.who ? *found.who : accounts_.of(i.program->config), host_, file.path);
        if (!path) return fail(wanted, path.error().message());
        expanded.push_back({std::move(*path), file.optional});
    }
    helpers_.collect(environment_task(expanded), environment_limit,
                     [this, wanted, go_on](const result<std::string>& answer) {
                         if (!is_wanted(wanted)) return;
                         if (!answer) return fail(wanted, answer.error().message());
                         const auto read = environment_answer_from_json(*answer);
                         if (!read) return fail(wanted, read.error().message());
                         if (!read->missing.empty()) return fail(wanted, read->missing);
                         for (const std::string& complaint : read->complaints)
                             handlers_.warn(*programs_.find(wanted.who), complaint);
                         go_on(read->variables);
                     });
}

void executor::find_log_owner(const start_order& wanted, const identity& account,
                              const environment& from_files)
{
    accounts_.find_log_owner(programs_.find(wanted.who)->program->config,
                             [this, wanted, account, from_files](const resolved_identity& owner) {
                                 if (!is_wanted(wanted)) return;
                                 if (owner.who) return open_files(wanted, account, from_files);
                                 fail_stage(wanted, spawn_stage::standard_output, "log: " + owner.message);
                             });
}

void executor::open_files(const start_order& wanted, const identity& account, const environment& from_files)
{
    const instance& i = *programs_.find(wanted.who);
    auto streams = streams_of(i, account);
    if (!streams) return fail(wanted, streams.error().message());
    const stream_choices choices{.standard_input = streams->in,
                                 .standard_output = streams->out_file,
                                 .standard_error = streams->err_file,
                                 .umask = i.program->config.umask};
    standard_files files{std::move(*streams), {}};
    if (files_to_open(choices).empty()) return run(wanted, account, from_files, files);
    // A FIFO that nobody has at its other end holds the start up, as it does in systemd, and nothing else.
    const bool is_control = wanted.what.is_control(i.program->config.type);
    runtimes_[wanted.who].opening[is_control ? 1 : 0] = helpers_.fetch(
        open_task(choices), infinity,
        [this, wanted, account, from_files, choices,
         files = std::make_shared<standard_files>(std::move(files))](result<helper_delivery> answer) {
            if (!is_wanted(wanted)) return;
            auto taken = take_opened_files(choices, std::move(answer));
            if (auto* const failure = std::get_if<open_failure>(&taken))
                return fail_stage(wanted, failure->stage, std::move(failure->sentence));
            files->opened = std::move(std::get<opened_files>(taken));
            run(wanted, account, from_files, *files);
        });
}

void executor::run(const start_order& wanted, const identity& account, const environment& from_files,
                   const standard_files& files)
{
    const auto [who, what] = wanted;
    const instance& i = *programs_.find(who);
    process_connections connections;
    std::vector<int> descriptors;
    if (const auto connected = connect(i, what.command, connections, descriptors); !connected)
        return fail(wanted, connected.error().message());
    auto request = prepare_process(i, what, account, host_, connections, from_files);
    if (!request) return fail(wanted, request.error().message());
    unique_fd input;
    if (const auto connected = connect_standard(i, files, *request, input); !connected)
        return fail(wanted, connected.error().message());
    request->passed_descriptors = std::move(descriptors);
    open_group(
        i); // once more: a helper may have taken its time, and others may do to the group what they like
    request->cgroup = reaper_.cgroup_of(who);
    request->joins_cgroup = reaper_.joins_cgroup(who);

    const bool is_control = what.is_control(i.program->config.type);
    const bool speaks = !is_control || i.status.main_pid == 0;
    if (speaks) output_.set_pid(who, 0);
    output_.process_begins(who);
    auto child = spawn(*request);
    if (!child) {
        if (!has_known_processes(who)) output_.process_failed(who);
        return fail(wanted, child.error().message());
    }
    const spawn_failure failure{
        child->failed_stage == spawn_stage::none ? 0 : exit_status_of(child->failed_stage),
        child->failed_errno};
    if (failure.exit_status != 0)
        notes_.try_emplace(who, describe_failure(*request, child->failed_stage, child->failed_errno));
    runtime& mine = runtimes_[who];
    std::uint64_t& serial = is_control ? mine.control_serial : mine.main_serial;
    if (serial != 0) reaper_.forget(token_of(who, serial)); // let go before: a process like any other
    serial = what.serial;
    reaper_.watch(token_of(who, what.serial), child->pid, std::move(child->pidfd), who);
    if (speaks) output_.set_pid(who, child->pid);
    handlers_.fact(who, process_started{what.serial, child->pid, failure});
}

result<void> executor::connect_standard(const instance& i, const standard_files& files,
                                        spawn_request& request, unique_fd& input)
{
    const auto& [streams, opened] = files;
    if (const auto open = output_.open(i.id, streams.out, streams.err, i.program->config.log.compress); !open)
        return open;
    if (streams.in.kind == input_kind::data) {
        auto made = make_input(streams.in_data);
        if (!made) return made.error();
        input = std::move(*made);
    }
    request.standard_input = input ? input.get() : opened.standard[0];
    request.standard_output = streams.out ? output_.out(i.id) : opened.standard[1];
    request.standard_error = streams.shares_pipe ? request.standard_output
                             : streams.err       ? output_.err(i.id)
                                                 : opened.standard[2];
    return {};
}

result<void> executor::connect(const instance& i, exec_command which, process_connections& connections,
                               std::vector<int>& descriptors)
{
    if (may_notify(i.program->config, which)) {
        auto address = notifications_.address_of(i);
        if (!address) return address.error();
        connections.notify_socket = std::move(*address);
    }
    const runtime& mine = runtimes_[i.id];
    if (which != exec_command::start || !mine.descriptors) return {};
    for (auto& [descriptor, name] : runtimes_[i.id].descriptors->entries()) {
        descriptors.push_back(descriptor);
        connections.descriptor_names.push_back(std::move(name));
    }
    return {};
}

void executor::fail_stage(const start_order& wanted, spawn_stage stage, std::string reason)
{
    notes_.try_emplace(wanted.who, std::move(reason));
    handlers_.fact(wanted.who, process_exited{wanted.what.serial,
                                              {exit_code_kind::exited, exit_status_of(stage)},
                                              reaper_.await_processes(wanted.who)});
}

void executor::fail(const start_order& wanted, std::string reason)
{
    handlers_.warn(*programs_.find(wanted.who), reason);
    notes_.try_emplace(wanted.who, std::move(reason));
    handlers_.fact(wanted.who, process_not_started{wanted.what.serial});
}

// --- Living with it

void executor::watch(const instance& i, const watch_main& ordered)
{
    if (i.status.main_serial != ordered.serial) return;
    open_group(i);
    runtime& mine = runtimes_[i.id];
    if (mine.main_serial != 0) reaper_.forget(token_of(i.id, mine.main_serial)); // a process like any other
    mine.main_serial = ordered.serial;
    reaper_.adopt(token_of(i.id, ordered.serial), ordered.process.pid, pidfd_of(ordered.process), i.id);
}

void executor::signal(const instance& i, const send_signal& ordered)
{
    const auto found = runtimes_.find(i.id);
    if (found == runtimes_.end()) return;
    const runtime& mine = found->second;
    const auto warn = [&](const error& e) { handlers_.warn(i, e.message()); };
    if (ordered.signal != SIGKILL) reaper_.thaw(i.id);
    std::vector<reaper::token> known;
    if (mine.main_serial != 0 && ordered.scope != signal_scope::control)
        known.push_back(token_of(i.id, mine.main_serial));
    if (mine.control_serial != 0 && ordered.scope != signal_scope::main)
        known.push_back(token_of(i.id, mine.control_serial));
    for (const reaper::token token : known)
        if (const auto sent = reaper_.signal(token, ordered.signal); !sent) warn(sent.error());
    if (ordered.scope != signal_scope::all) return;
    if (const auto sent = reaper_.signal_others(i.id, ordered.signal, known); !sent) warn(sent.error());
}

void executor::end(const instance& i, const end_process& ordered)
{
    if (const auto sent = reaper_.signal(token_of(i.id, ordered.serial), SIGKILL); !sent)
        handlers_.warn(i, sent.error().message());
}

void executor::store(const instance& i, const store_descriptors& ordered)
{
    runtime& mine = runtimes_[i.id];
    if (!mine.descriptors) mine.descriptors.emplace(io_);
    auto& received = *static_cast<foreign_descriptors*>(
        std::const_pointer_cast<void>(ordered.descriptors).get()); // made by notifications, for us alone
    const auto outcome = mine.descriptors->add(received.take(), ordered.name, ordered.polls,
                                               i.program->config.file_descriptor_store_max);
    // Once a run: what a program does over and over must not fill the log.
    if (outcome.refused != 0 && std::exchange(mine.refused_in, i.status.invocation) != i.status.invocation)
        handlers_.warn(i, "not all descriptors were stored: file_descriptor_store_max is " +
                              std::to_string(i.program->config.file_descriptor_store_max));
}

void executor::remove(const instance& i, const remove_descriptors& ordered)
{
    if (runtime& mine = runtimes_[i.id]; mine.descriptors) mine.descriptors->remove(ordered.name);
}

void executor::state_changed(const instance& i)
{
    if (i.status.sought_serial == 0) finder_.forget(i.id);
    output_.run_ended(i.id, i.status.last_run.invocation);
    if (is_down(i.status)) rest(i);
}

// What is kept for the next process of a run is released.
void executor::rest(const instance& i)
{
    const auto found = runtimes_.find(i.id);
    if (found == runtimes_.end()) return;
    runtime& mine = found->second;
    mine.descriptors.reset();
    mine.opening = {};
    // Its control group goes with its last process.
    if (mine.main_serial == 0 && mine.control_serial == 0 && !reaper_.has_processes(i.id))
        reaper_.close_group(i.id);
}

void executor::forget(instance_id who)
{
    const auto found = runtimes_.find(who);
    if (found == runtimes_.end()) return;
    const runtime& mine = found->second;
    // What is not waited for any more (kill_mode none …) may live on.
    for (const std::uint64_t serial : {mine.main_serial, mine.control_serial})
        if (serial != 0) reaper_.forget(token_of(who, serial));
    reaper_.close_group(who);
    notifications_.close(who);
    finder_.forget_all(who);
    output_.close(who);
    runtimes_.erase(found);
    notes_.erase(who);
}

// --- Its end

void executor::child_exited(reaper::token token, const process_end& end, bool has_others)
{
    const auto who = static_cast<instance_id>(token >> 32U);
    // What it said last comes before its end. It may have been the last word on the whole instance.
    notifications_.drain(who);
    const auto found = runtimes_.find(who);
    if (found == runtimes_.end()) return;
    runtime& mine = found->second;
    const bool is_control = mine.control_serial != 0 && token == token_of(who, mine.control_serial);
    const bool is_main = !is_control && mine.main_serial != 0 && token == token_of(who, mine.main_serial);
    const std::uint64_t serial = is_control ? std::exchange(mine.control_serial, 0)
                                 : is_main  ? std::exchange(mine.main_serial, 0)
                                            : 0;
    if (const instance* i = programs_.find(who))
        output_.process_ended(who, i->status.invocation, !has_known_processes(who));
    if (is_control)
        handlers_.fact(who, process_exited{serial, end, has_others});
    else if (is_main)
        main_exited(who, serial, end, has_others);
}

void executor::main_exited(instance_id who, std::uint64_t serial, const process_end& end, bool has_others)
{
    const instance* i = programs_.find(who);
    if (i == nullptr) return; // it is about to be forgotten
    const program_config& config = i->program->config;
    if (config.type != service_type::forking || config.pid_file.empty())
        return handlers_.fact(who, process_exited{serial, end, has_others});
    runtimes_[who].is_end_pending = true;
    finder_.look_for_successor(*i, accounts_.of(i->program->config), [this, who, serial, end] {
        const auto found = runtimes_.find(who);
        if (found == runtimes_.end()) return;
        found->second.is_end_pending = false;
        handlers_.fact(who, process_exited{serial, end, reaper_.await_processes(who)});
    });
}

bool executor::has_known_processes(instance_id who) const
{
    const auto found = runtimes_.find(who);
    return found != runtimes_.end() && (found->second.main_serial != 0 || found->second.control_serial != 0);
}

void executor::group_empty(reaper::group group)
{
    notifications_.drain(group);
    if (const instance* i = programs_.find(group))
        output_.process_ended(group, i->status.invocation, !has_known_processes(group));
    const auto found = runtimes_.find(group);
    if (found != runtimes_.end() && !found->second.is_end_pending) handlers_.fact(group, processes_gone{});
}

std::string executor::note(instance_id who) const
{
    const auto found = notes_.find(who);
    return found == notes_.end() ? std::string() : found->second;
}

result<prepared_streams> executor::streams_of(const instance& i, const identity& account) const
{
    return prepare_streams(i, account, accounts_.log_owner(i.program->config), host_);
}

output_view executor::output_of(const instance& i) const
{
    const auto streams = streams_of(i, accounts_.of(i.program->config));
    output_view view;
    if (!streams) {
        view.standard_output.note = streams.error().message();
        return view;
    }
    return describe_output(*streams, i.program->config.on_log_error, output_.out_health(i.id),
                           output_.err_health(i.id));
}

unsigned executor::stored_descriptors(instance_id who) const
{
    const auto found = runtimes_.find(who);
    if (found == runtimes_.end() || !found->second.descriptors) return 0;
    return static_cast<unsigned>(found->second.descriptors->size());
}

} // namespace procctl
