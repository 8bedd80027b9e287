// The linear part of a score, in training.
#pragma once

#include "gradient/stage.hpp"

namespace fieldfare::FIELDFARE_ISA {

// <w, x>, for weights at an offset of the rows.
FIELDFARE_INLINE float weigh(const Staged& sample, std::int64_t at) {
  Lanes<4> fours = broadcast<4>(0);
  std::int64_t i = 0;
  for (; i + 4 <= sample.n; i += 4) {
    fours = fours + load<4>(sample.x + i) * gather(sample.rows + i, at);
  }
  float total = sum<4>(fours);
  for (; i < sample.n; ++i) total += sample.x[i] * sample.rows[i][at];
  return total;
}

}  // namespace fieldfare::FIELDFARE_ISA
