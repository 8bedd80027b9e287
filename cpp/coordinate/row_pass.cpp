#include "coordinate/row_pass.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace fieldfare {

namespace {

constexpr std::int64_t tile = 512;      // rows whose residual and q stay in the first-level cache
constexpr std::int64_t few_codes = 64;  // with so few, consecutive rows wait for each other's sums

std::int64_t lanes(const Block& block) { return block.n_codes <= few_codes ? 4 : 1; }

// Sums kept per code: those of a factor of a table are half a cache line.
std::int64_t width(const Block& block, std::int64_t f) {
  return f != linear_row && block.kind == Block::Kind::table ? 4 : 2;
}

float pattern_level(const Block& block, std::int64_t code, const float* v) {
  float level = 0;
  for (std::int64_t p = block.patterns.start[code]; p < block.patterns.start[code + 1]; ++p) {
    level += block.patterns.value[p] * v[block.features[block.patterns.index[p]]];
  }
  return level;
}

}  // namespace

RowPass::RowPass(const Design& design, const SweepParameters& parameters, const Observed& observed)
    : design_(design),
      parameters_(parameters),
      observed_(observed),
      levels_(design.blocks.size()),
      mass_(design.blocks.size()),
      sums_(most_sums()) {
  std::int64_t codes = 1;
  for (std::size_t b = 0; b < design.blocks.size(); ++b) {
    const Block& block = design.blocks[b];
    if (block.kind == Block::Kind::direct) continue;
    levels_[b].resize(static_cast<std::size_t>(block.n_codes));
    codes = std::max(codes, block.n_codes);
    if (block.kind == Block::Kind::table) mass_[b].resize(static_cast<std::size_t>(block.n_codes));
  }
  shifts_.resize(static_cast<std::size_t>(codes));
  if (parameters.factors != nullptr) q_.resize(static_cast<std::size_t>(design.n_rows));
}

std::int64_t RowPass::most_sums() const {
  std::int64_t most = 0;
  for (const Block& block : design_.blocks) {
    if (block.kind == Block::Kind::direct) continue;
    most = std::max(most, slots(block) * block.n_codes * width(block, 0));
  }
  return most;
}

std::int64_t RowPass::chunks(const Block& block) const {
  const std::int64_t wanted = design_.n_rows / (4 * std::max<std::int64_t>(block.n_codes, 64));
  // As many as a power of two, which threads can share evenly.
  return static_cast<std::int64_t>(
      std::bit_floor(static_cast<std::uint64_t>(std::clamp<std::int64_t>(wanted, 1, most_chunks))));
}

std::int64_t RowPass::slots(const Block& block) const { return chunks(block) * lanes(block); }

void RowPass::find_mass(Member& member) {
  member.share(std::ssize(design_.blocks), [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t b = from; b < to; ++b) {
      if (mass_[b].empty()) continue;
      const std::uint32_t* codes = design_.blocks[b].codes.data();
      for (std::int64_t i = 0; i < design_.n_rows; ++i) mass_[b][codes[i]] += weight(i);
    }
  });
}

void RowPass::add_up_all(Member& member) {
  member.share(most_chunks, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t c = first; c < last; ++c) {
      double sum = 0, mass = 0;
      const std::int64_t end = design_.n_rows * (c + 1) / most_chunks;
      for (std::int64_t i = design_.n_rows * c / most_chunks; i < end; ++i) {
        if (observed_.label != nullptr) move_target(i);
        sum += static_cast<double>(weight(i)) * observed_.residual[i];
        mass += weight(i);
      }
      all_sums_[c] = {sum, mass};
    }
  });
}

std::pair<double, double> RowPass::total() const {
  std::pair<double, double> total{0, 0};
  for (const auto& [sum, mass] : all_sums_) {
    total.first += sum;
    total.second += mass;
  }
  return total;
}

void RowPass::find_levels(Member& member, std::int64_t f) {
  const float* v = parameters_.factors + f * design_.n_features;
  for (std::size_t b = 0; b < design_.blocks.size(); ++b) {
    const Block& block = design_.blocks[b];
    member.share(std::ssize(levels_[b]), [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t c = from; c < to; ++c) {
        float level = 0;
        if (block.kind == Block::Kind::table) {
          level = pattern_level(block, c, v);
        } else if (c < block.n_codes - 1) {
          level = v[block.features[c]];
        }
        levels_[b][c] = level;
      }
    });
  }
}

void RowPass::run(Member& member, std::int64_t f, const Block* block, bool first) {
  const bool summed = block != nullptr && block->kind != Block::Kind::direct;
  const std::int64_t n_chunks = summed ? chunks(*block) : most_chunks;
  member.share(n_chunks, [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t c = from; c < to; ++c) {
      const std::int64_t end = design_.n_rows * (c + 1) / n_chunks;
      for (std::int64_t i = design_.n_rows * c / n_chunks; i < end; i += tile) {
        const std::int64_t stop = std::min(i + tile, end);
        apply(i, stop);
        if (first) start(f, i, stop);
        if (summed) add_up(f, *block, c, i, stop);
      }
    }
  });
}

void RowPass::apply(std::int64_t begin, std::int64_t end) {
  float* e = observed_.residual;
  if (pending_all_ != 0) {
    for (std::int64_t i = begin; i < end; ++i) e[i] += pending_all_;
  }
  if (pending_ == nullptr) return;
  const std::uint32_t* codes = pending_->codes.data();
  if (q_.empty() || pending_row_ == linear_row) {
    for (std::int64_t i = begin; i < end; ++i) e[i] += shifts_[codes[i]].constant;
    return;
  }
  float* q = q_.data();
  for (std::int64_t i = begin; i < end; ++i) {
    const Shift shift = shifts_[codes[i]];
    e[i] += shift.by_q * q[i] + shift.constant;
    q[i] += shift.by_q;
  }
}

void RowPass::start(std::int64_t f, std::int64_t begin, std::int64_t end) {
  if (observed_.label != nullptr) {
    for (std::int64_t i = begin; i < end; ++i) move_target(i);
  }
  if (f == linear_row || parameters_.orders_of(f).highest > 2) return;
  const float* v = parameters_.factors + f * design_.n_features;
  float* q = q_.data();
  std::fill(q + begin, q + end, 0.0F);
  for (std::size_t b = 0; b < design_.blocks.size(); ++b) {
    const Block& block = design_.blocks[b];
    if (block.kind == Block::Kind::direct) {
      for (std::int64_t i = begin; i < end; ++i) q[i] += pattern_level(block, i, v);
    } else {
      const float* levels = levels_[b].data();
      const std::uint32_t* codes = block.codes.data();
      for (std::int64_t i = begin; i < end; ++i) q[i] += levels[codes[i]];
    }
  }
}

// The logistic loss lies below a parabola of curvature 1/4 that touches it at the present score
// (Böhning & Lindsay 1988), whose minimum is the target to regress on. The loss decreases by at
// least as much as the parabola.
void RowPass::move_target(std::int64_t i) {
  const float score = observed_.residual[i] + observed_.target[i];
  const float small = std::exp(-std::fabs(score));
  const float p = (score >= 0 ? 1.0F : small) / (1.0F + small);
  const float e = 4 * (p - observed_.label[i]);
  observed_.residual[i] = e;
  observed_.target[i] = score - e;
}

void RowPass::add_up(std::int64_t f, const Block& block, std::int64_t chunk, std::int64_t begin,
                     std::int64_t end) {
  const std::int64_t n_lanes = lanes(block), w = width(block, f);
  double* sums = sums_.data() + chunk * n_lanes * block.n_codes * w;
  const std::int64_t lane_step = n_lanes == 1 ? 0 : block.n_codes * w;
  const std::uint32_t* codes = block.codes.data();
  const float *e = observed_.residual, *q = q_.data();
  const float* levels = levels_[number(block)].data();
  // Calls add(row, its weight, where its sums are).
  const auto each = [&](const auto& add) {
    if (observed_.weight != nullptr) {
      for (std::int64_t i = begin; i < end; ++i) {
        add(i, observed_.weight[i], sums + (i & 3) * lane_step + codes[i] * w);
      }
    } else if (lane_step != 0) {
      for (std::int64_t i = begin; i < end; ++i) {
        add(i, 1.0F, sums + (i & 3) * lane_step + codes[i] * w);
      }
    } else {
      for (std::int64_t i = begin; i < end; ++i) add(i, 1.0F, sums + codes[i] * w);
    }
  };
  if (f == linear_row) {
    each([&](std::int64_t i, float weight, double* sum) {
      sum[0] += weight * e[i];
      sum[1] += weight;
    });
  } else if (block.kind == Block::Kind::one_hot) {
    each([&](std::int64_t i, float weight, double* sum) {
      const float h = q[i] - levels[codes[i]];
      sum[0] += weight * h * e[i];
      sum[1] += weight * h * h;
    });
  } else {
    each([&](std::int64_t i, float weight, double* sum) {
      sum[0] += weight * e[i];
      sum[1] += weight * q[i];
      sum[2] += weight * q[i] * q[i];
      sum[3] += weight * q[i] * e[i];
    });
  }
}

}  // namespace fieldfare
