// The field-weighted factorization machine: one latent vector per feature, one weight per pair of
// fields.
#pragma once

#include <algorithm>

#include "gradient/rules.hpp"
#include "gradient/stage.hpp"
#include "models/fields.hpp"
#include "models/model.hpp"
#include "scoring/sample.hpp"

namespace fieldfare::FIELDFARE_ISA {

// Pan et al. 2018, by field sums: with A[a] = sum of x_i v_i over the features i of field a, and r
// the weights of the pairs of fields, the interactions are sum_{a<b} r[a,b] <A[a], A[b]>, plus
// r[a,a] times the interactions within each field. The gradient of v_i, i of field a, is
// x_i (W[a] - r[a,a] x_i v_i) with W[a] = sum_b r[a,b] A[b]; that of r[a,b] is its factor in the
// sum. Only the fields present count. Everything is computed along with the score, because the pair
// weights may change while other threads are still updating.
template <int K>
struct FwfmTraining : TrainingPolicy, PresentFields {
  const Spec& spec;
  const Layout& layout;
  float* shared;    // TrainJob::shared
  float* sums;      // A, [n_outputs, m, k] for m fields present
  float* weighted;  // W, likewise
  float* own;       // [n_outputs, m]: r[a,a], or zero where a field has one feature
  float* products;  // [n_outputs, m, m]: d score / d r
  std::int64_t k;

  FwfmTraining(const TrainJob& job, float* scratch, std::int32_t* field_scratch)
      : PresentFields(job, field_scratch),
        spec(*job.spec),
        layout(*job.layout),
        shared(job.shared),
        sums(scratch),
        weighted(sums + spec.n_outputs * job.most_fields * length<K>(layout.padded_factors)),
        own(weighted + (weighted - sums)),
        products(own + spec.n_outputs * job.most_fields),
        k(length<K>(layout.padded_factors)) {}

  FIELDFARE_INLINE float* weight_of(std::int64_t c, std::int64_t a, std::int64_t b) const {
    const std::int64_t pair = 1 + present[a] * n_fields + present[b];
    return shared + c * layout.shared + pair * (1 + layout.slots);
  }

  FIELDFARE_INLINE float& product(std::int64_t c, std::int64_t a, std::int64_t b) const {
    return products[(c * sizes[0] + a) * sizes[0] + b];
  }

  // Adds up A and the interactions within each field: of each feature with the sum of those before.
  FIELDFARE_INLINE float add_up(const Staged& sample, std::int64_t c, float* a_sums) const {
    const std::int64_t m = sizes[0], at = c * layout.output_stride, weight = layout.weight;
    float linear = 0;
    for (std::int64_t d = 0; d < m * k; d += 4) store<4>(a_sums + d, broadcast<4>(0));
    for (std::int64_t a = 0; a < m; ++a) product(c, a, a) = 0;
    for (std::int64_t i = 0; i < sample.n; ++i) {
      const float* v = sample.rows[i] + at;
      const std::int64_t a = place[sample.fields[i]];
      float* sum = a_sums + a * k;
      if (count[a] > 1) product(c, a, a) += sample.x[i] * dot<K>(sum, v, k);
      add_scaled<K>(sum, sample.x[i], v, k);
      if (spec.linear) linear += sample.x[i] * v[weight];
    }
    return linear;
  }

  FIELDFARE_INLINE float score(const Staged& sample, std::int64_t c) const {
    if (c == 0) find(sample);
    const std::int64_t m = sizes[0];
    float* const a_sums = sums + c * m * k;
    float* const w_sums = weighted + c * m * k;
    float score = add_up(sample, c, a_sums);
    for (std::int64_t a = 0; a < m; ++a) {
      const float r = count[a] > 1 ? *weight_of(c, a, a) : 0.0F;
      own[c * m + a] = r;
      score += r * product(c, a, a);
      scale_to<K>(w_sums + a * k, r, a_sums + a * k, k);
    }
    for (std::int64_t a = 0; a < m; ++a) {
      for (std::int64_t b = a + 1; b < m; ++b) {
        const float r = *weight_of(c, a, b);
        const float met = dot<K>(a_sums + a * k, a_sums + b * k, k);
        product(c, a, b) = met;
        score += r * met;
        add_scaled<K>(w_sums + a * k, r, a_sums + b * k, k);
        add_scaled<K>(w_sums + b * k, r, a_sums + a * k, k);
      }
    }
    return score;
  }

  template <class Rule>
  FIELDFARE_INLINE void update(const Staged& sample, std::int64_t c, float g,
                               const Fetch& fetch) const {
    constexpr int N = lanes_for<K>;
    const std::int64_t m = sizes[0], at = c * layout.output_stride, weight = layout.weight;
    const std::int64_t state = layout.factor_state;
    const Rates all_factors = spec.factors, all_weights = spec.weights;
    const float share = 1.0F / static_cast<float>(spec.n_factors);
    const bool has_linear = spec.linear;
    for (std::int64_t i = 0; i < sample.n; ++i) {
      fetch(i);
      float* v = sample.rows[i] + at;
      const float penalty = sample.rows[i][layout.penalty];
      const Rates factors = all_factors.penalised(penalty);
      const Rates weights = all_weights.penalised(penalty);
      const std::int64_t a =
          place[sample.fields[i]];  // NOLINT(clang-analyzer-core.NullDereference)
      const float* toward = weighted + (c * m + a) * k;
      const float gx = g * sample.x[i];
      const Lanes<N> slope = broadcast<N>(gx);
      const Lanes<N> itself = broadcast<N>(gx * sample.x[i] * own[c * m + a]);
      move<Rule>(v, v + state, k, share, factors, [&](auto&& visit) {
        for (std::int64_t d = 0; d < k; d += N) {
          visit.template operator()<N>(d, slope * load<N>(toward + d) - itself * load<N>(v + d));
        }
      });
      if (has_linear) Rule::scalar(v + weight, v + weight + 1, gx, weights);
    }
  }

  // The penalty draws the weights to where they start, one. A rule whose penalty acts once has the
  // start in its state already.
  template <class Rule>
  FIELDFARE_INLINE void move_pair_weights(std::int64_t c, float g) const {
    const Rates pairs = spec.pairs;
    const float start = Rule::at_each_visit ? pairs.l2 : 0.0F;
    for (std::int64_t a = 0; a < sizes[0]; ++a) {
      for (std::int64_t b = count[a] > 1 ? a : a + 1; b < sizes[0]; ++b) {
        float* weight = weight_of(c, a, b);
        Rule::scalar(weight, weight + 1, g * product(c, a, b) - start, pairs);
      }
    }
  }
};

// Pan et al. 2018: a pair of features has the weight of its fields, so that the features of one
// field affect the others only through their sum. The effect of a context on a feature of field f
// is one vector, sum_b r[f,b] A[b] over the field sums A of the context.
class FwfmScoring {
 public:
  explicit FwfmScoring(const ScoreJob& job)
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
    return view_
        .pair_weights[c * view_.pair_output + low * view_.pair_row + high * view_.pair_step];
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

  // Finds the entries and the interactions within a field: of each feature with the sum of those
  // before it.
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
  float* met_;     // [n_outputs, n_fields, k]: effect of the context on a feature of each field
  float* sums_;    // room for the fields of several features
  std::int64_t n_entries_ = 0;
  bool kept_ = false;
};

struct Fwfm : ModelDefaults {
  static constexpr const char* name = "fwfm";
  static constexpr bool uses_fields = true;
  static constexpr bool has_pair_weights = true;
  using Scoring = FwfmScoring;

  static std::int64_t sum_floats(const Spec& spec, std::int64_t longest) {
    const std::int64_t m = std::min(longest, spec.n_fields);
    return spec.n_outputs * m * (2 * padded_factors(spec.n_factors) + m + 1);
  }
  static std::int64_t context_floats(const ScoreJob& job, std::int64_t /*n*/) {
    return job.spec->n_outputs * job.spec->n_fields * job.view.k;
  }
  static std::int64_t row_floats(const ScoreJob& job, std::int64_t longest,
                                 std::int64_t of_context) {
    return most_summed(*job.spec, std::max(longest, of_context)) * job.view.k;
  }

  template <class Work>
  static auto with_training(std::int64_t k, Work work) {
    return with_length<4, 8, 16>(
        k, [&]<int K>() { return work.template operator()<FwfmTraining<K>>(); });
  }
};

}  // namespace fieldfare::FIELDFARE_ISA
