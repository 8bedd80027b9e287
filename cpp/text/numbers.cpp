#include "text/numbers.hpp"

#include <charconv>

namespace fieldfare {

namespace {

constexpr std::int64_t longest = 16;  // "-1.1754944e-38" and a separator

}  // namespace

std::string format_numbers(const float* values, std::int64_t n_rows, std::int64_t n_columns,
                           char separator) {
  std::string text(static_cast<std::size_t>(n_rows * (n_columns * longest + 1)), '\0');
  char* at = text.data();
  char* const end = at + text.size();
  for (std::int64_t row = 0; row < n_rows; ++row) {
    for (std::int64_t column = 0; column < n_columns; ++column) {
      if (column > 0) *at++ = separator;
      at = std::to_chars(at, end, *values++).ptr;
    }
    *at++ = '\n';
  }
  text.resize(static_cast<std::size_t>(at - text.data()));
  return text;
}

}  // namespace fieldfare
