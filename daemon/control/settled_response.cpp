#include "daemon/control/settled_response.h"

#include <memory>
#include <utility>
#include <variant>

namespace procctl {
namespace {

struct promise {
    bool is_settled = false;
    std::function<void(final_response)> reply; // once somebody waits for it
};

} // namespace

response settled_response(backend& daemon, std::vector<instance_id> ids, std::function<final_response()> make)
{
    const auto promised = std::make_shared<promise>();
    daemon.when_settled(std::move(ids), [promised, make] {
        promised->is_settled = true;
        if (promised->reply) promised->reply(make());
    });
    if (promised->is_settled)
        return std::visit([](auto&& made) { return response(std::forward<decltype(made)>(made)); }, make());
    return deferred_reply{[promised, make = std::move(make)](std::function<void(final_response)> reply) {
        if (promised->is_settled) return reply(make());
        promised->reply = std::move(reply);
    }};
}

} // namespace procctl
