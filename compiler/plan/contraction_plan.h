// ContractionPlan: how a kernel multiplies matrices.
#ifndef INGOT_COMPILER_PLAN_CONTRACTION_PLAN_H_
#define INGOT_COMPILER_PLAN_CONTRACTION_PLAN_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "compiler/plan/plan_fields.h"

namespace ingot::plan {

// What multiplies: mma.sync of these types, sums in f32 or 32-bit integers; or threads, in the type
// of the sums.
#define INGOT_PLAN_PRODUCT_UNITS(X)                          \
  X(kBf16, "bf16")                                           \
  X(kF16, "f16")                                             \
  X(kTf32, "tf32") /* f32, rounded to 10 bits of mantissa */ \
  X(kS8, "s8")                                               \
  X(kU8, "u8")                                               \
  X(kF64, "f64") /* sums in f64 too */                       \
  X(kFma, "fma") /* whatever elements have 8 bits or more */

enum class ProductUnit : uint8_t {
#define INGOT_ENUMERATOR(enumerator, name) enumerator,
  INGOT_PLAN_PRODUCT_UNITS(INGOT_ENUMERATOR)
#undef INGOT_ENUMERATOR
};
absl::string_view NameOf(ProductUnit unit);

// How a block has its part of one matrix of a product in shared memory.
struct MatrixTile {
  // Depth lies side by side there, as it does in global memory; else rows (of the right matrix:
  // columns) do.
  bool depth_major = true;
  // Bytes that one asynchronous copy moves: 16, 8 or 4.  0: elements are loaded one by one.
  int copy_bytes = 16;
  // The copy engine brings it by a tensor map (product_map.h), where the product is wgmma's.
  bool engine = false;
  bool operator==(const MatrixTile&) const = default;
};

// A kernel that multiplies matrices (Product): a block takes a tile of the
// result, and goes along depth with `stages` tiles of both matrices in shared memory.
struct ContractionPlan {
  ProductUnit unit = ProductUnit::kBf16;
  // Of the tile of a block, in elements.
  int rows = 128;
  int columns = 128;
  int depth = 64;
  // Warps that share it, each of which has a rectangle of the result in registers.
  int row_warps = 2;
  int column_warps = 2;
  // The warps are warpgroups one below the other, which multiply by wgmma; one more warpgroup has
  // tiles brought, and blocks take tile after tile of the result
  // (lower/contraction_pipeline.h).
  bool wgmma = false;
  // Blocks that take tiles of rows one below the other, each of which brings a part of the right
  // matrix's tile to all of them; and so many side by side, which share the left matrix's tile.
  int cluster = 1;
  int cluster_across = 1;
  // Of a thread of that warpgroup, and of one that multiplies; 0: as many as it was launched with.
  int producer_registers = 0;
  int consumer_registers = 0;
  int stages = 3;
  // Other than 1: depth is done in so many parts, whose partial results are in scratch; a second
  // kernel, which `combines`, puts them together.
  int splits = 1;
  bool combines = false;
  // Blocks one after the other take this many tiles of rows before the next tile of columns.
  int group = 8;
  // Elements of a row of the results that a thread makes together.
  int lanes = 8;
  // Of wgmma: results are made where the sums are, and the copy engine stores them from boxes in
  // shared memory (product_map.h), of which a warp has so many; 0: threads pass their sums, and
  // store vectors of a row.
  int store_boxes = 0;
  // The engine brings elements of another matrix, of which results are made, to those boxes first
  // (MatrixRead).
  bool load_boxes = false;
  MatrixTile lhs;
  MatrixTile rhs;
  INGOT_PLAN_FIELDS(
      ContractionPlan, visit("unit", self.unit); visit("rows", self.rows);
      visit("columns", self.columns); visit("depth", self.depth);
      visit("row_warps", self.row_warps); visit("column_warps", self.column_warps);
      visit("wgmma", self.wgmma); visit("cluster", self.cluster);
      visit("cluster_across", self.cluster_across);
      visit("producer_registers", self.producer_registers);
      visit("consumer_registers", self.consumer_registers); visit("stages", self.stages);
      visit("splits", self.splits); visit("combines", self.combines); visit("group", self.group);
      visit("lanes", self.lanes); visit("store_boxes", self.store_boxes);
      visit("load_boxes", self.load_boxes); visit("lhs_depth_major", self.lhs.depth_major);
      visit("lhs_copy_bytes", self.lhs.copy_bytes); visit("lhs_engine", self.lhs.engine);
      visit("rhs_depth_major", self.rhs.depth_major); visit("rhs_copy_bytes", self.rhs.copy_bytes);
      visit("rhs_engine", self.rhs.engine);)

  int threads() const { return 32 * (row_warps * column_warps + (wgmma ? 4 : 0)); }
  int cluster_blocks() const { return cluster * cluster_across; }
  // Of the tiles of a cluster's blocks together.
  int cluster_rows() const { return rows * cluster; }
  int cluster_columns() const { return columns * cluster_across; }
};

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_CONTRACTION_PLAN_H_
