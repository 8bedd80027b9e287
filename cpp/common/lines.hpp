// Memory that shares no cache line with anything else, as two threads that write to one would slow
// each other down.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fieldfare {

inline constexpr std::size_t cache_line = 64;  // bytes

// n values of a simple type, zero at first.
template <class T>
class Lines {
 public:
  explicit Lines(std::int64_t n)
      : lines_((static_cast<std::size_t>(n) * sizeof(T) + cache_line - 1) / cache_line) {}

  T* data() { return reinterpret_cast<T*>(lines_.data()); }

 private:
  struct alignas(cache_line) Line {
    std::byte bytes[cache_line];
  };
  std::vector<Line> lines_;
};

}  // namespace fieldfare
