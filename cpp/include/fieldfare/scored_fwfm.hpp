// The pairs of a field-weighted factorization machine, as they are scored.
#pragma once

#include <algorithm>

#include "fieldfare/scored.hpp"

namespace fieldfare::FIELDFARE_ISA {

// Pan et al. 2018: pairs of features weigh what their fields do, so that the features of one field
// act on the others by their sum. What a context does to a feature of field f is one vector,
// sum_b r[f,b] A[b] over the field sums A of the context.
class FwfmPairs {
 public:
  explicit FwfmPairs(const ScoreJob& job)
      : view_(job.view),
        n_fields_(job.spec->n_fields),
        place_(job.place),
        entries_(job.entries),
        inside_(job.inside),
        met_(job.sums),
        sums_(job.context == nullptr ? met_ : met_ + job.spec->n_outputs * n_fields_ * view_.k) {
    std::fill_n(place_, n_fields_, -1);
  }

  void keep(const Sample& sample, std::int64_t c) {
    inside_[c] = inside(sample, c);
    float* met = met_ + c * n_fields_ * view_.k;
    std::fill_n(met, n_fields_ * view_.k, 0.0F);
    for (std::int64_t field = 0; field < n_fields_; ++field, met += view_.k) {
      for (std::int64_t b = 0; b < n_entries_; ++b) {
        const FieldEntry& entry = entries_[b];
        add_scaled<0>(met, weight(c, field, entry.block) * entry.x, entry.v, view_.k);
      }
    }
    kept_ = true;
  }

  FIELDFARE_INLINE float of(const Sample& sample, std::int64_t c, float scale) {
    float total = inside(sample, c);
    if (kept_) {
      const float* met = met_ + c * n_fields_ * view_.k;
      total += inside_[c];
      for (std::int64_t a = 0; a < n_entries_; ++a) {
        const FieldEntry& entry = entries_[a];
        total += entry.x * dot<0>(entry.v, met + entry.block * view_.k, view_.k);
      }
    }
    return scale * (scale * total);
  }

 private:
  // The upper triangle counts: see TrainJob::shared.
  FIELDFARE_INLINE float weight(std::int64_t c, std::int64_t f, std::int64_t g) const {
    const std::int64_t low = std::min(f, g), high = std::max(f, g);
    return view_.pairs[c * view_.pair_output + low * view_.pair_row + high * view_.pair_step];
  }

  // The pairs of a sample, whose fields are then in `entries_`.
  FIELDFARE_INLINE float inside(const Sample& sample, std::int64_t c) {
    const float within = collect(sample, c);
    return within + over_factors(view_.k, [&](auto width, std::int64_t at) {
             constexpr int K = width.value;
             constexpr int N = lanes_of<K>;
             Lanes<N> total = broadcast<N>(0);
             for (std::int64_t a = 0; a < n_entries_; ++a) {
               const FieldEntry first = entries_[a];
               Lanes<N> met[K / N];
               for (Lanes<N>& lanes : met) lanes = broadcast<N>(0);
               for (std::int64_t b = a + 1; b < n_entries_; ++b) {
                 const FieldEntry& other = entries_[b];
                 const Lanes<N> x = broadcast<N>(weight(c, first.block, other.block) * other.x);
                 for (std::int64_t m = 0; m < K / N; ++m) {
                   met[m] = met[m] + x * load<N>(other.v + at + m * N);
                 }
               }
               const Lanes<N> x = broadcast<N>(first.x);
               for (std::int64_t m = 0; m < K / N; ++m) {
                 total = total + x * met[m] * load<N>(first.v + at + m * N);
               }
             }
             return sum<N>(total);
           });
  }

  // Finds the entries and the pairs within one field: a feature meets the sum of those before it.
  float collect(const Sample& sample, std::int64_t c) {
    const float* factors = view_.factors + c * view_.factor_output;
    std::int64_t n_sums = 0;
    float within = 0;
    n_entries_ = 0;
    for (std::int64_t i = 0; i < sample.n; ++i) {
      const std::int64_t field = sample.fields[i];
      const float* v = factors + static_cast<std::int64_t>(sample.ids[i]) * view_.factor_row;
      const float x = sample.x(i);
      if (place_[field] < 0) {
        place_[field] = static_cast<std::int32_t>(n_entries_);
        entries_[n_entries_++] = {v, nullptr, field, x};
        continue;
      }
      FieldEntry& entry = entries_[place_[field]];
      if (entry.sum == nullptr) {
        float* sum = sums_ + n_sums++ * view_.k;
        scale_to<0>(sum, entry.x, entry.v, view_.k);
        entry = {sum, sum, field, 1};
      }
      within += weight(c, field, field) * x * dot<0>(entry.sum, v, view_.k);
      add_scaled<0>(entry.sum, x, v, view_.k);
    }
    for (std::int64_t a = 0; a < n_entries_; ++a) place_[entries_[a].block] = -1;
    return within;
  }

  const View& view_;
  std::int64_t n_fields_;
  std::int32_t* place_;  // [n_fields]: field -> entry of the sample at hand, or -1
  FieldEntry* entries_;
  float* inside_;  // [n_outputs]: pairs inside the context
  float* met_;     // [n_outputs, n_fields, k]: what the context does to a feature of each field
  float* sums_;    // room for the fields of several features
  std::int64_t n_entries_ = 0;
  bool kept_ = false;
};

}  // namespace fieldfare::FIELDFARE_ISA
