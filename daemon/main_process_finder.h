// Finds the main process of a forking program: by its PID file, which a helper reads and waits for, or by a
// guess.
#pragma once

#include "daemon/core/supervisor.h"
#include "daemon/helpers/helper_runner.h"
#include "daemon/os/reaper.h"
#include "daemon/prepare_process.h"

#include <functional>
#include <unordered_map>

namespace procctl {

class main_process_finder {
public:
    struct handlers {
        std::function<void(instance_id, const event&)> fact;
        std::function<void(const instance&, const std::string&)> warn;
    };

    main_process_finder(const supervisor&, reaper&, helper_runner&, const host_facts&, handlers);

    // Carries out find_main; `who` is the account of the program, for the specifiers in the file's path.
    void find(const instance&, const identity& who, const find_main&);
    // The main process has ended. Tells main_moved first when the PID file names another one by now; then
    // calls `told`.
    void look_for_successor(const instance&, const identity& who, std::function<void()> told);
    // No answer to find() is wanted any more.
    void forget(instance_id);
    // The instance is gone; what has been asked for it is answered to nobody.
    void forget_all(instance_id);

private:
    struct found_in_file {
        std::optional<found_process> process;
        std::string problem; // why not
        int refused = 0;     // the process that the file names all the same
    };
    [[nodiscard]] found_in_file judge(instance_id, const std::string& path,
                                      const result<std::string>& answer);
    // Any process but `refused`.
    void read(instance_id, const find_main&, const std::string& path, int refused);
    void answered(instance_id, const find_main&, const std::string& path, const result<std::string>& answer);

    const supervisor& programs_;
    reaper& reaper_;
    helper_runner& helpers_;
    const host_facts& host_;
    handlers handlers_;
    std::unordered_map<instance_id, helper_runner::watch_token> waiting_;
    std::unordered_map<instance_id, helper_runner::watch_token> leaving_; // look_for_successor
    // The search that was complained of last: once is enough, however often the file is changed.
    instance_id complainer_ = 0;
    std::uint64_t complained_of_ = 0;
};

} // namespace procctl
