#include "coordinate/anova_sweep.hpp"

#include <algorithm>

namespace fieldfare {

namespace {

// Calls visit(x v) for the entries of a row.
template <class Visit>
void each_product(const Design& design, std::int64_t row, const float* v, const Visit& visit) {
  for (const Block& block : design.blocks) {
    if (block.kind == Block::Kind::one_hot) {
      const std::int64_t code = block.codes[row];
      if (code < block.n_codes - 1) visit(static_cast<double>(v[block.features[code]]));
      continue;
    }
    const std::int64_t code =
        block.kind == Block::Kind::direct ? row : static_cast<std::int64_t>(block.codes[row]);
    const Sparse& patterns = block.patterns;
    for (std::int64_t p = patterns.start[code]; p < patterns.start[code + 1]; ++p) {
      visit(static_cast<double>(patterns.value[p]) * v[block.features[patterns.index[p]]]);
    }
  }
}

// Kernels of orders 1 to n of a row.
void find_kernels(const Design& design, std::int64_t row, const float* v, double* kernels,
                  std::int64_t n) {
  std::fill_n(kernels, n, 0.0);
  each_product(design, row, v, [&](double product) {
    for (std::int64_t s = n - 1; s > 0; --s) kernels[s] += product * kernels[s - 1];
    kernels[0] += product;
  });
}

// Rows by code, in order.
Sparse rows_by_code(const Block& block) {
  Sparse found;
  found.start.assign(static_cast<std::size_t>(block.n_codes) + 1, 0);
  for (const std::uint32_t code : block.codes) ++found.start[code + 1];
  for (std::int64_t c = 0; c < block.n_codes; ++c) found.start[c + 1] += found.start[c];
  found.index.resize(block.codes.size());
  std::vector<std::int64_t> next(found.start.begin(), found.start.end() - 1);
  for (std::size_t i = 0; i < block.codes.size(); ++i) {
    found.index[next[block.codes[i]]++] = static_cast<std::uint32_t>(i);
  }
  return found;
}

}  // namespace

AnovaSweep::AnovaSweep(const Design& design, const Observed& observed, std::int64_t highest)
    : design_(design), observed_(observed) {
  if (highest < 3) return;  // order 2 needs none of this
  for (const Block& block : design.blocks) rows_.push_back(rows_by_code(block));
  kernels_.resize(static_cast<std::size_t>(design.n_rows * (highest - 1)));
}

void AnovaSweep::fit(Member& member, float* v, FactorOrders orders, const Update& update) {
  const std::int64_t n = orders.highest - 1;
  member.share(design_.n_rows, [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t i = from; i < to; ++i) {
      find_kernels(design_, i, v, kernels_.data() + i * n, n);
    }
  });
  for (std::size_t b = 0; b < design_.blocks.size(); ++b) {
    const Block& block = design_.blocks[b];
    const auto n_features = std::ssize(block.features);
    // Features of a one-hot field share no row; those of a direct block may.
    std::vector<FeatureRun> whole;
    if (block.kind != Block::Kind::table) {
      whole.push_back({0, n_features, block.kind == Block::Kind::one_hot});
    }
    for (const FeatureRun& run : whole.empty() ? block.runs : whole) {
      member.meet();
      const auto visit = [&](std::int64_t from, std::int64_t to) {
        for (std::int64_t j = from; j < to; ++j) {
          update_feature(b, run.begin + j, v, orders, update);
        }
      };
      if (run.shared) {
        member.share(run.end - run.begin, visit);
      } else if (member.first()) {
        visit(0, run.end - run.begin);
      }
    }
  }
}

template <class Visit>
void AnovaSweep::each_row(std::size_t block, std::int64_t feature, const Visit& visit) const {
  const Block& own = design_.blocks[block];
  const Sparse& rows = rows_[block];
  const auto of_code = [&](std::int64_t code, double x) {
    for (std::int64_t r = rows.start[code]; r < rows.start[code + 1]; ++r) visit(rows.index[r], x);
  };
  if (own.kind == Block::Kind::one_hot) {
    of_code(feature, 1);
    return;
  }
  const Sparse& columns = own.columns;
  for (std::int64_t p = columns.start[feature]; p < columns.start[feature + 1]; ++p) {
    if (own.kind == Block::Kind::direct) {
      visit(columns.index[p], columns.value[p]);
    } else {
      of_code(columns.index[p], columns.value[p]);
    }
  }
}

void AnovaSweep::update_feature(std::size_t block, std::int64_t feature, float* v,
                                FactorOrders orders, const Update& update) {
  const std::uint32_t id = design_.blocks[block].features[feature];
  const std::int64_t n = orders.highest - 1;
  const double old = v[id];
  double num = 0, den = 0;
  each_row(block, feature, [&](std::uint32_t row, double x) {
    const double* kernels = kernels_.data() + row * n;
    double without = 1, slope = 0;
    for (std::int64_t s = 1; s <= n; ++s) {
      without = kernels[s - 1] - x * old * without;
      if (s + 1 >= orders.lowest) slope += without;
    }
    slope *= x;
    const double weight = observed_.weight == nullptr ? 1.0 : observed_.weight[row];
    num += weight * slope * observed_.residual[row];
    den += weight * slope * slope;
  });
  v[id] = update(id, num, den);
  const double d = static_cast<double>(v[id]) - old;
  if (d == 0) return;
  each_row(block, feature, [&](std::uint32_t row, double x) {
    double* kernels = kernels_.data() + row * n;
    double without = 1, slope = 0;
    for (std::int64_t s = 1; s <= n; ++s) {
      const double next = kernels[s - 1] - x * old * without;
      kernels[s - 1] += x * d * without;
      without = next;
      if (s + 1 >= orders.lowest) slope += without;
    }
    observed_.residual[row] += static_cast<float>(d * x * slope);
  });
}

void add_anova_scores(const Design& design, const FactorColumn& column, float* out,
                      std::int64_t n_threads) {
  const std::int64_t n = column.orders.highest;
  std::vector<double> scratch(static_cast<std::size_t>(std::max<std::int64_t>(n_threads, 1) * n));
  run_team(n_threads, [&](Member& member) {
    double* kernels = scratch.data() + member.number() * n;
    member.share(design.n_rows, [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t i = from; i < to; ++i) {
        find_kernels(design, i, column.v, kernels, n);
        double sum = 0;
        for (std::int64_t t = column.orders.lowest; t <= n; ++t) sum += kernels[t - 1];
        out[i] += static_cast<float>(sum);
      }
    });
  });
}

}  // namespace fieldfare
