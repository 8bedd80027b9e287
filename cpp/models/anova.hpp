// ANOVA kernels, the building blocks of interactions of any order.
#pragma once

#include "isa/simd.hpp"
#include "models/spec.hpp"

namespace fieldfare::FIELDFARE_ISA {

// With p_i = x_i v_i, one number per entry of the sample and factor, the ANOVA kernel of order t is
// the sum, over all subsets of t entries, of the product of their p (Rendle 2010, eq. 5). All
// orders up to D are computed in one pass over the entries (Blondel et al. 2016, algorithm 1): each
// entry adds p_i a[t - 1] to a[t]. D = 0 stands for an order known only at run time.
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

// Calls work.operator()<D>() for the orders worth code of their own, else for D = 0.
template <class Work>
FIELDFARE_INLINE auto with_order(std::int64_t order, Work&& work) {
  if (order == 2) return work.template operator()<2>();
  if (order == 3) return work.template operator()<3>();
  return work.template operator()<0>();
}

}  // namespace fieldfare::FIELDFARE_ISA
