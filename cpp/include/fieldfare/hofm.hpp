// The factorization machine of any order, by ANOVA kernels.
#pragma once

#include <algorithm>

#include "fieldfare/models.hpp"

namespace fieldfare::FIELDFARE_ISA {

// With p_i = x_i v_i, one number for each entry of the sample and each factor, the ANOVA kernel of
// order t is the sum over all t entries of the product of their p (Rendle 2010, eq. 5). All
// orders up to D follow from one pass over the entries (Blondel et al. 2016, algorithm 1): each
// adds to a[t] what it multiplies a[t - 1] by. D = 0 stands for an order known only at run time.
template <int N, int D>
struct Anova {
  Lanes<N> a[(D > 0 ? D : max_order) + 1];
  std::int64_t order;

  FIELDFARE_INLINE explicit Anova(std::int64_t highest) : order(D > 0 ? D : highest) {
    a[0] = broadcast<N>(1);
    for (std::int64_t t = 1; t <= order; ++t) a[t] = broadcast<N>(0);
  }

  FIELDFARE_INLINE void add(Lanes<N> p) {
    for (std::int64_t t = order; t > 0; --t) a[t] = a[t] + a[t - 1] * p;
  }
};

// A part of the factors of one output: its orders, and where its vectors lie in the rows.
struct Vectors {
  const Sample& sample;
  const float* first;
  std::int64_t row;
  std::int64_t lowest, highest;

  template <int N>
  FIELDFARE_INLINE Lanes<N> load_at(std::int64_t i, std::int64_t d) const {
    const float* v = first + static_cast<std::int64_t>(sample.ids[i]) * row + d;
    return load<N>(v) * broadcast<N>(sample.x(i));
  }
};

// The sum of the kernels of N factors.
template <int N, int D>
float kernels_of(const Vectors& vectors, std::int64_t d) {
  Anova<N, D> anova(vectors.highest);
  for (std::int64_t i = 0; i < vectors.sample.n; ++i) anova.add(vectors.load_at<N>(i, d));
  Lanes<N> total = broadcast<N>(0);
  for (std::int64_t t = vectors.lowest; t <= anova.order; ++t) total = total + anova.a[t];
  return sum<N>(total);
}

template <int N>
float kernels_of(const Vectors& vectors, std::int64_t d) {
  if (vectors.highest == 2) return kernels_of<N, 2>(vectors, d);
  if (vectors.highest == 3) return kernels_of<N, 3>(vectors, d);
  return kernels_of<N, 0>(vectors, d);
}

// The derivatives of the kernels of N factors in p, by the same recurrence backwards (Blondel et
// al. 2016, algorithm 2): e[t] is the derivative in a[t] as it was after entry i, so that p_i earns
// e[t] times the a[t - 1] it met. Nothing is divided or subtracted, so nothing cancels. `met` has
// room for `order` lanes an entry; the derivatives are put `step` apart.
template <int N, int D>
void gradients_of(const Vectors& vectors, std::int64_t d, float* met, float* out,
                  std::int64_t step) {
  Anova<N, D> anova(vectors.highest);
  const std::int64_t order = anova.order, n = vectors.sample.n;
  for (std::int64_t i = 0; i < n; ++i) {
    const Lanes<N> p = vectors.load_at<N>(i, d);
    float* here = met + i * order * N;
    store<N>(here, p);
    for (std::int64_t t = 1; t < order; ++t) store<N>(here + t * N, anova.a[t]);
    anova.add(p);
  }
  Lanes<N> e[(D > 0 ? D : max_order) + 1];
  for (std::int64_t t = 1; t <= order; ++t) e[t] = broadcast<N>(t >= vectors.lowest ? 1 : 0);
  for (std::int64_t i = n - 1; i >= 0; --i) {
    const float* here = met + i * order * N;
    const Lanes<N> p = load<N>(here);
    Lanes<N> derivative = e[1];
    for (std::int64_t t = 1; t < order; ++t) {
      derivative = derivative + e[t + 1] * load<N>(here + t * N);
      e[t] = e[t] + e[t + 1] * p;
    }
    store<N>(out + i * step + d, derivative);
  }
}

template <int N>
void gradients_of(const Vectors& vectors, std::int64_t d, float* met, float* out,
                  std::int64_t step) {
  if (vectors.highest == 2) return gradients_of<N, 2>(vectors, d, met, out, step);
  if (vectors.highest == 3) return gradients_of<N, 3>(vectors, d, met, out, step);
  gradients_of<N, 0>(vectors, d, met, out, step);
}

// Every order has factors of its own, or all share theirs: see Part. All derivatives are taken at
// the factors as they were before any of the sample's updates.
struct Hofm {
  float* met;                    // [longest, highest order, lanes]
  float* derivatives = nullptr;  // [longest, padded factors]: of one output, in p
  const Spec& spec;

  Hofm(const Spec& given, float* scratch, std::int32_t*) : met(scratch), spec(given) {}

  FIELDFARE_INLINE float score(const Sample& sample, const View& view, std::int64_t c) {
    float score = linear_score(sample, view, c);
    for (const Part& part : spec.parts) {
      const float* first = view.factors + c * view.factor_output +
                           (view.padded_parts ? part.padded_offset : part.offset);
      const Vectors vectors{sample, first, view.factor_row, part.lowest, part.highest};
      std::int64_t d = 0;
      for (; d + 8 <= part.n_factors; d += 8) score += kernels_of<8>(vectors, d);
      for (; d + 4 <= part.n_factors; d += 4) score += kernels_of<4>(vectors, d);
      for (; d < part.n_factors; ++d) score += kernels_of<1>(vectors, d);
    }
    return score;
  }

  template <class Rule>
  FIELDFARE_INLINE void update(const Sample& sample, const Table& table, std::int64_t c, float g) {
    const Layout& layout = table.layout;
    derivatives = met + sample.n * spec.highest_order() * 8;
    for (const Part& part : spec.parts) {
      const float* first = table.rows + c * layout.output_stride + part.padded_offset;
      const Vectors vectors{sample, first, layout.stride, part.lowest, part.highest};
      float* out = derivatives + part.padded_offset;
      std::int64_t d = 0;
      for (; d + 8 <= part.padded; d += 8) {
        gradients_of<8>(vectors, d, met, out, layout.padded_factors);
      }
      if (d < part.padded) gradients_of<4>(vectors, d, met, out, layout.padded_factors);
    }
    for (std::int64_t i = 0; i < sample.n; ++i) {
      float* v = table.output(sample.ids[i], c);
      const float gx = g * sample.x(i);
      const float* derivative = derivatives + i * layout.padded_factors;
      for (std::size_t p = 0; p < spec.parts.size(); ++p) {
        const Part& part = spec.parts[p];
        if (part.padded == 4) {
          move<Rule, 4>(v, derivative, part, layout, p, gx);
        } else {
          move<Rule, 0>(v, derivative, part, layout, p, gx);
        }
      }
      linear_update<Rule>(v, table, gx);
    }
  }

  template <class Rule, int K>
  FIELDFARE_INLINE void move(float* v, const float* derivative, const Part& part,
                             const Layout& layout, std::size_t place, float gx) {
    constexpr int N = lanes_for<K>;
    const std::int64_t state = Rule::per_weight ? part.padded_offset : place;
    const std::int64_t slot = Rule::per_weight ? layout.padded_factors : part.n_factors;
    Rule::template block<K>(v + part.padded_offset, v + layout.factor_state + state, slot,
                            part.padded, part.rates, [&](std::int64_t d) {
                              return broadcast<N>(gx) *
                                     load<N>(derivative + part.padded_offset + d);
                            });
  }
};

}  // namespace fieldfare::FIELDFARE_ISA
