// Numbers as text.
#pragma once

#include <cstdint>
#include <string>

namespace fieldfare {

// Writes a matrix in C order, one line per row, floats in the fewest digits that read back as the
// same float.
std::string format_numbers(const float* values, std::int64_t n_rows, std::int64_t n_columns,
                           char separator);

}  // namespace fieldfare
