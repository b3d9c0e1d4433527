// The daemon's replies as text for people. Pure: what is shown depends on the reply and the view alone.
#pragma once

#include "common/protocol.h"
#include "ctl/text.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace procctl::ctl {

// One line for each instance, aligned, fitted to the terminal's width.
[[nodiscard]] std::string render_table(const std::vector<protocol::program_status>&, const view&);
// Everything about one instance at a glance, and what it wrote last (render_output.h); `log` is the end of
// its log, or empty.
[[nodiscard]] std::string render_status(const protocol::program_status&, std::string_view log, const view&);
[[nodiscard]] std::string render_daemon(const protocol::daemon_status&, const view&);

// "/etc/procctl/conf.d/a.yaml:4:5: error: …", a line each.
[[nodiscard]] std::string render_problems(const std::vector<protocol::problem>&, const view&);
// What an update did, or with dry_run would do; the problems and the failed jobs apart.
[[nodiscard]] std::string render_update(const protocol::update_reply&);

// What succeeded ("web: started"), and why the rest did not, with how to see more.
struct job_texts {
    std::string done;
    std::string failed;
};
[[nodiscard]] job_texts render_jobs(const std::vector<protocol::job_reply>&, const view&);

// "name=value" lines. Only those in `wanted`, in its order, if it is not empty.
[[nodiscard]] std::string render_properties(const std::vector<std::pair<std::string, std::string>>&,
                                            const std::vector<std::string>& wanted);

} // namespace procctl::ctl
