// The field-aware factorization machine.
#pragma once

#include <algorithm>

#include "models/ffm_side_by_side.hpp"
#include "models/ffm_training.hpp"
#include "models/model.hpp"
#include "scoring/sample.hpp"

namespace fieldfare::FIELDFARE_ISA {

// Juan et al. 2016, eq. 4. The features of one field affect other fields only through their sum.
// A field with several features therefore becomes one entry, the sum of x_i v_i, and the
// interactions within it are added separately. What remains is one entry per field, and a sum over
// pairs of entries.
class FfmScoring {
 public:
  explicit FfmScoring(const ScoreJob& job)
      : view_(job.view),
        n_fields_(job.spec->n_fields),
        has_context_(job.context != nullptr),
        place_(job.place),
        entries_(job.entries),
        capacity_(job.entry_capacity),
        sums_(job.sums),
        inside_(job.inside) {
    std::fill_n(place_, n_fields_, -1);
    std::fill_n(inside_, job.spec->n_outputs, 0.0F);
  }

  void keep(const Sample& sample, std::int64_t c) {
    FieldEntry* entries = entries_ + c * capacity_;
    float inside = 0;
    n_kept_ = collect(sample, c, 0, &inside);
    inside_[c] = inside + pairs(entries, 0, n_kept_);
    sums_ += n_sums_ * sum_floats();  // the next sample must not overwrite these
  }

  FIELDFARE_INLINE float of(const Sample& sample, std::int64_t c, float scale) {
    if (c == 0) side_by_side_ = view_.factor_block == 4 && !has_context_ && one_each(sample);
    if (side_by_side_) return scale * (scale * meet(sample, c));
    float inside = inside_[c];
    const std::int64_t n = collect(sample, c, n_kept_, &inside);
    return scale * (scale * (inside + pairs(entries_ + c * capacity_, n_kept_, n)));
  }

 private:
  std::int64_t sum_floats() const { return n_fields_ * view_.factor_block; }

  // Whether a sample has one feature, of value one, in each of several neighbouring fields.
  FIELDFARE_INLINE static bool one_each(const Sample& sample) {
    bool neighbours = sample.values == nullptr;
    for (std::int64_t i = 1; i < sample.n; ++i) {
      neighbours &= sample.fields[i] == sample.fields[0] + i;
    }
    return neighbours;
  }

  // The pairs of such a sample where vectors are of four factors: two blocks of four factors fill
  // the lanes, so that four pairs, of the features a, a + 1 and b, b + 1, meet at once.
  FIELDFARE_INLINE float meet(const Sample& sample, std::int64_t c) const {
    const std::int64_t n = sample.n;
    if (n == 0) return 0;
    const float* factors =
        view_.factors + c * view_.factor_output + std::int64_t{4} * sample.fields[0];
    FieldEntry* entries = entries_;
    for (std::int64_t i = 0; i < n; ++i) {
      entries[i].v = factors + static_cast<std::int64_t>(sample.ids[i]) * view_.factor_row;
    }
    Lanes<8> met = broadcast<8>(0), more = met;
    Lanes<4> alone = broadcast<4>(0);
    const auto pair = [&](std::int64_t a, std::int64_t b) {
      alone = alone + load<4>(entries[a].v + 4 * b) * load<4>(entries[b].v + 4 * a);
    };
    for (std::int64_t a = 0; a + 1 < n; a += 2) {
      const float *own = entries[a].v, *next = entries[a + 1].v;
      std::int64_t b = a + 2;
      for (; b + 2 <= n; b += 2) {
        Lanes<8> q = load<8>(entries[b].v + 4 * a), q_next = load<8>(entries[b + 1].v + 4 * a);
        cross(q, q_next);
        met = met + load<8>(own + 4 * b) * q;
        more = more + load<8>(next + 4 * b) * q_next;
      }
      pair(a, a + 1);
      if (b < n) {
        pair(a, b);
        pair(a + 1, b);
      }
    }
    return sum<8>(met + more) + sum<4>(alone);
  }

  // Appends the fields of a sample to the first `n` entries and returns how many there are then.
  FIELDFARE_INLINE std::int64_t collect(const Sample& sample, std::int64_t c, std::int64_t n,
                                        float* inside) {
    FieldEntry* entries = entries_ + c * capacity_;
    const float* factors = view_.factors + c * view_.factor_output;
    const std::int64_t first = n;
    n_sums_ = 0;
    for (std::int64_t i = 0; i < sample.n; ++i) {
      const std::int32_t field = sample.fields[i];
      if (place_[field] >= 0) continue;
      place_[field] = static_cast<std::int32_t>(n);
      entries[n++] = entry_of(sample, i, factors);
    }
    if (n - first < sample.n) *inside += add_repeats(sample, factors, entries, first, n);
    for (std::int64_t i = 0; i < sample.n; ++i) place_[sample.fields[i]] = -1;
    return n;
  }

  // Sums up the fields of several features; returns the pairs inside them.
  float add_repeats(const Sample& sample, const float* factors, FieldEntry* entries,
                    std::int64_t first, std::int64_t n) {
    const auto square = [&](const FieldEntry& entry) {
      const float* own = entry.v + entry.block;
      return entry.x * entry.x * dot<0>(own, own, view_.k);
    };
    float squares = 0, total = 0;
    std::int64_t next = first;
    for (std::int64_t i = 0; i < sample.n; ++i) {
      const std::int64_t at = place_[sample.fields[i]];
      if (at == next) {  // the feature that the entry was made of
        ++next;
        continue;
      }
      FieldEntry& entry = entries[at];
      const FieldEntry repeat = entry_of(sample, i, factors);
      if (entry.sum == nullptr) {
        float* sum = sums_ + n_sums_++ * sum_floats();
        squares += square(entry);
        over_blocks(entries, n,
                    [&](std::int64_t b) { scale_to<0>(sum + b, entry.x, entry.v + b, view_.k); });
        entry = {sum, sum, entry.block, 1};
      }
      squares += square(repeat);
      over_blocks(entries, n, [&](std::int64_t b) {
        add_scaled<0>(entry.sum + b, repeat.x, repeat.v + b, view_.k);
      });
    }
    for (std::int64_t a = first; a < n; ++a) {
      if (entries[a].sum != nullptr) total += square(entries[a]);
    }
    return 0.5F * (total - squares);
  }

  FieldEntry entry_of(const Sample& sample, std::int64_t i, const float* factors) const {
    return {factors + static_cast<std::int64_t>(sample.ids[i]) * view_.factor_row, nullptr,
            sample.fields[i] * view_.factor_block, sample.x(i)};
  }

  // The blocks that may be read, each once: those of the fields that are there, but all with a
  // context, which does not know what it will meet, and whose fields may return in the sample.
  template <class Visit>
  void over_blocks(const FieldEntry* entries, std::int64_t n, Visit visit) const {
    if (has_context_) {
      for (std::int64_t field = 0; field < n_fields_; ++field) visit(field * view_.factor_block);
    } else {
      for (std::int64_t a = 0; a < n; ++a) visit(entries[a].block);
    }
  }

  // The pairs of n entries of which the first `done` are paired already.
  FIELDFARE_INLINE float pairs(const FieldEntry* entries, std::int64_t done, std::int64_t n) const {
    return over_factors(view_.k, [&](auto width, std::int64_t at) {
      constexpr int K = width.value;
      constexpr int N = lanes_of<K>;
      Lanes<N> total = broadcast<N>(0);
      for (std::int64_t i = 0; i < n; ++i) {
        const FieldEntry a = entries[i];
        Lanes<N> towards = broadcast<N>(0);
        for (std::int64_t j = std::max(i + 1, done); j < n; ++j) {
          const FieldEntry& b = entries[j];
          const Lanes<N> x = broadcast<N>(b.x);
          for (std::int64_t d = 0; d < K; d += N) {
            towards =
                towards + x * load<N>(a.v + b.block + at + d) * load<N>(b.v + a.block + at + d);
          }
        }
        total = total + broadcast<N>(a.x) * towards;
      }
      return sum<N>(total);
    });
  }

  const View& view_;
  std::int64_t n_fields_;
  bool has_context_;
  std::int32_t* place_;  // [n_fields]: field -> entry of the sample at hand, or -1
  FieldEntry* entries_;  // [n_outputs, capacity]: those of the context, then of the sample
  std::int64_t capacity_;
  float* sums_;    // room for the fields of several features
  float* inside_;  // [n_outputs]: pairs inside the context
  std::int64_t n_sums_ = 0;
  std::int64_t n_kept_ = 0;  // entries of the context, the same for all outputs
  bool side_by_side_ = false;
};

struct Ffm : ModelDefaults {
  static constexpr const char* name = "ffm";
  static constexpr bool uses_fields = true;
  static constexpr bool has_vector_per_field = true;
  using Scoring = FfmScoring;

  static FactorLayout factors(const Spec& spec) {
    const std::int64_t padded = padded_factors(spec.n_factors);
    return {spec.n_fields, padded, spec.n_fields * padded, 1};
  }
  static std::int64_t sum_floats(const Spec& spec, std::int64_t longest) {
    const std::int64_t m = std::min(longest, spec.n_fields);
    return spec.n_outputs * (m * m * padded_factors(spec.n_factors) + longest);
  }
  static std::int64_t context_floats(const ScoreJob& job, std::int64_t n) {
    return job.spec->n_outputs * row_floats(job, n, 0);
  }
  static std::int64_t row_floats(const ScoreJob& job, std::int64_t longest,
                                 std::int64_t /*of_context*/) {
    return most_summed(*job.spec, longest) * job.spec->n_fields * job.view.factor_block;
  }

  template <class Work>
  static auto with_training(std::int64_t k, Work work) {
    return with_length<4, 8>(k,
                             [&]<int K>() { return work.template operator()<FfmTraining<K>>(); });
  }
};

}  // namespace fieldfare::FIELDFARE_ISA
