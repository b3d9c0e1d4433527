// The last bytes of a stream. Takes no memory before there are any, and never more than the size asked for.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace procctl::output {

class tail_ring {
public:
    explicit tail_ring(std::uint32_t size) : size_(size) {}

    void add(std::string_view bytes)
    {
        if (bytes.size() > size_) bytes.remove_prefix(bytes.size() - size_);
        const std::size_t to_fill = std::min(bytes.size(), size_ - bytes_.size());
        if (bytes_.size() + to_fill > bytes_.capacity())
            bytes_.reserve(
                std::min<std::size_t>(size_, std::max<std::size_t>(64, bytes_.size() * 2 + to_fill)));
        bytes_.append(bytes.substr(0, to_fill));
        bytes.remove_prefix(to_fill);
        // Only when it is full are the oldest overwritten.
        while (!bytes.empty()) {
            const std::size_t count = bytes.copy(bytes_.data() + oldest_, bytes_.size() - oldest_);
            oldest_ = static_cast<std::uint32_t>((oldest_ + count) % bytes_.size());
            bytes.remove_prefix(count);
        }
    }

    [[nodiscard]] std::string text() const { return bytes_.substr(oldest_) + bytes_.substr(0, oldest_); }

private:
    std::string bytes_;
    std::uint32_t size_;
    std::uint32_t oldest_ = 0; // where the next byte goes, once the ring is full
};

} // namespace procctl::output
