#include "daemon/control/explain_states.h"
#include "daemon/control/words.h"

namespace procctl {
namespace {

std::string at_command(const instance& who)
{
    return name_of(who.program->config, who.status.control_command, who.status.control_index);
}

std::string waiting_for_main(const program_config& config, const instance_status& s)
{
    if (s.control_pid != 0)
        return "running its command, which is to leave the program behind in the background and to end";
    if (!config.pid_file.empty())
        return "waiting for the PID file " + config.pid_file + " to name its main process";
    return "looking for its main process";
}

std::string waiting_for_ready(const program_config& config, const instance_status& s)
{
    const std::string ignored = ignored_notifications(config, s);
    return "waiting for READY=1" + (ignored.empty() ? "" : "; " + ignored);
}

std::string running_its_command(const program_config& config, const instance_status& s)
{
    const std::string place = place_of(config, exec_command::start, s.main_index);
    return "running " + (place.empty() ? std::string("its command") : place) +
           "; it counts as started once that has finished";
}

std::string starting(const instance& who)
{
    const program_config& config = who.program->config;
    const instance_status& s = who.status;
    if (s.state == sub_state::condition) return "asking whether to start: " + at_command(who) + " is running";
    if (s.state == sub_state::start_pre) return "about to start: " + at_command(who) + " is running first";
    // A forking program may be in start-post and still without its PID file.
    if (config.type == service_type::forking && (s.state == sub_state::start || s.control_pid == 0))
        return waiting_for_main(config, s);
    if (s.state == sub_state::start_post)
        return "started; " + at_command(who) + " has to finish before it counts as running";
    if (config.type == service_type::oneshot) return running_its_command(config, s);
    if (is_notify(config.type) && s.main_pid != 0) return waiting_for_ready(config, s);
    return "starting";
}

} // namespace

std::string explain_start(const instance& who, const instant& now)
{
    const instance_status& s = who.status;
    std::string text = starting(who);
    if (s.monitored)
        text += "; started because " + s.monitored->unit +
                (s.monitored->result == service_result::success ? " has ended well" : " has failed");
    if (s.deadline != never) text += "; timeout_start_sec leaves it " + time_left(s.deadline, now);
    return text;
}

} // namespace procctl
