// A daemon that answers what the test has written down, and remembers what it was asked.
#pragma once

#include "ctl/commands.h"
#include "tests/unit/ctl/sample_programs.h"

#include <map>
#include <sstream>

namespace procctl::ctl {

class fake_connection : public connection {
public:
    result<api_reply> request(std::string_view method, std::string_view target,
                              std::string_view body) override
    {
        const std::string key = std::string(method) + ' ' + std::string(target);
        asked.push_back(body.empty() ? key : key + ' ' + std::string(body));
        if (unreachable != 0) return make_error(unreachable, "cannot talk to the daemon at " + path);
        const auto found = replies.find(key);
        if (found == replies.end())
            return api_reply{404, R"({"kind":"not-found","message":"nothing is there"})"};
        const api_reply reply = found->second;
        if (on_request) on_request();
        return reply;
    }
    result<api_reply> stream(std::string_view target, const std::function<void(std::string_view)>& piece,
                             duration) override
    {
        auto reply = request("GET", target, "");
        if (reply && reply->status == 200) piece(std::exchange(reply->body, {}));
        return reply;
    }
    void wait_until_closed() override
    {
        asked.emplace_back("wait until closed");
        if (on_wait) on_wait();
    }
    [[nodiscard]] unique_fd process(std::int64_t pid) const override
    {
        return pid == 0 || end_of_process < 0 ? unique_fd() : unique_fd(::dup(end_of_process));
    }
    [[nodiscard]] const std::string& socket() const override { return path; }

    std::string path = "/run/procctl/procctl.sock";
    std::map<std::string, api_reply> replies;
    std::vector<std::string> asked;
    int unreachable = 0;     // errno
    int end_of_process = -1; // becomes readable when it has ended; -1: that cannot be seen
    std::function<void()> on_wait;
    std::function<void()> on_request; // after the reply to what was asked last is known
};

// What a run of procctl shows, and how it ends.
struct outcome {
    int status = 0;
    std::string out;
    std::string err;

    [[nodiscard]] std::string text() const
    {
        return out + (err.empty() ? "" : "[stderr]\n" + err) + "[exit status " + std::to_string(status) +
               "]\n";
    }
};

} // namespace procctl::ctl
