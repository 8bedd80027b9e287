// The fields of a staged sample, for models whose interactions depend on them.
#pragma once

#include <algorithm>

#include "gradient/stage.hpp"

namespace fieldfare::FIELDFARE_ISA {

// The most fields of two features or more, which scoring sums up, among n entries.
inline std::int64_t most_summed(const Spec& spec, std::int64_t n) {
  return std::min(n / 2, spec.n_fields);
}

// Which fields are present, in order: a field's place among them is what sums are kept by.
struct PresentFields {
  std::int64_t n_fields;
  std::int32_t *place, *present;  // field -> place among those present, or -1; place -> field
  std::int32_t* count;            // [m]: features at that place
  std::int32_t* sizes;  // m (0 at first), number of runs; then each run's first place and length

  PresentFields(const TrainJob& job, std::int32_t* scratch)
      : n_fields(job.spec->n_fields),
        place(scratch),
        present(place + n_fields),
        count(present + job.most_fields),
        sizes(count + job.most_fields) {}

  // Most samples have the fields of the sample before, one feature each.
  FIELDFARE_INLINE bool as_before(const Staged& sample) const {
    std::int32_t different = sample.n != sizes[0];
    for (std::int64_t i = 0; different == 0 && i < sample.n; ++i) {
      different |= (sample.fields[i] ^ present[i]) | (count[i] ^ 1);
    }
    return different == 0;
  }

  FIELDFARE_INLINE void find(const Staged& sample) const {
    if (!as_before(sample)) find_anew(sample);
  }

  void find_anew(const Staged& sample) const {
    for (std::int64_t f = 0; f < n_fields; ++f) place[f] = -1;
    std::int32_t m = 0;
    for (std::int64_t i = 0; i < sample.n; ++i) {
      const std::int32_t f = sample.fields[i];  // NOLINT(clang-analyzer-core.NullDereference)
      if (place[f] >= 0) continue;
      std::int32_t a = m++;
      for (; a > 0 && present[a - 1] > f; --a) present[a] = present[a - 1];  // rarely out of order
      present[a] = f;
      place[f] = 0;
    }
    std::int32_t* run = sizes + 2;
    for (std::int32_t a = 0; a < m; ++a) {
      place[present[a]] = a;
      count[a] = 0;
      if (a == 0 || present[a] != present[a - 1] + 1) {
        run[0] = a;
        run[1] = 0;
        run += 2;
      }
      ++run[-1];
    }
    sizes[0] = m;
    sizes[1] = static_cast<std::int32_t>((run - sizes) / 2 - 1);
    for (std::int64_t i = 0; i < sample.n; ++i) ++count[place[sample.fields[i]]];
  }
};

}  // namespace fieldfare::FIELDFARE_ISA
