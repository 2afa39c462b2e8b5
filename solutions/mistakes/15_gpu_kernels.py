# ---- kernels.add -----------------------------------------------------------------------------------------------------

# %% [kernels.add] subtracted
# hint: This is x − y.
# edit: tl.load(x_ptr + i) + tl.load → tl.load(x_ptr + i) - tl.load

# %% [kernels.add] multiplied
# hint: This is the product of x and y.
# edit: tl.load(x_ptr + i) + tl.load → tl.load(x_ptr + i) * tl.load

# %% [kernels.add] y is never loaded
# hint: What is stored is x alone: y is never added.
# edit: tl.load(x_ptr + i) + tl.load(y_ptr + i) → tl.load(x_ptr + i)

# %% [kernels.add] x twice
# hint: x is added to itself: the second load reads from x as well.
# edit: tl.load(y_ptr + i) → tl.load(x_ptr + i)

# %% [kernels.add] y twice
# hint: y is added to itself: the first load reads from y as well.
# edit: tl.load(x_ptr + i) → tl.load(y_ptr + i)

# %% [kernels.add] one program alone
# hint: Only out[0] is written. There is one program where one for each number is needed: the grid says how many, or all
# hint: have the same place.
# edit: kernel[(len(x),)] → kernel[(1,)]

# %% [kernels.add] one program too few
# hint: The last number is never written: program numbers begin with 0, and the grid says *how many* there are.
# edit: kernel[(len(x),)] → kernel[(len(x) - 1,)]

# %% [kernels.add] sixteen programs
# hint: Only the first 16 numbers are written: the grid has a fixed size, and vectors have any.
# edit: kernel[(len(x),)] → kernel[(16,)]

# %% [kernels.add] the place of the neighbour
# hint: Each program reads one place too far, and the last of them behind the end, where no tensor is. (Or there are
# hint: more programs than numbers.) The first element lies at x_ptr + 0.
# edit: i = tl.program_id(0) → i = tl.program_id(0) + 1

# %% [kernels.add] all write to one place
# hint: All programs write to the same place, out_ptr: the last one is seen there, and the other places were never
# hint: written.
# edit: tl.store(out_ptr + i, both) → tl.store(out_ptr, both)

# %% [kernels.add] all read one place
# hint: All programs read the first numbers: x_ptr is the place where x begins, and a program has to go on from there by
# hint: its own number.
# edit: tl.load(x_ptr + i) + tl.load(y_ptr + i) → tl.load(x_ptr) + tl.load(y_ptr)

# %% [kernels.add] the first y for all
# hint: y's first number is added everywhere: its place lacks the program's number.
# edit: tl.load(y_ptr + i) → tl.load(y_ptr)

# %% [kernels.add] the first x for all
# hint: x's first number is taken everywhere: its place lacks the program's number.
# edit: tl.load(x_ptr + i) → tl.load(x_ptr)

# %% [kernels.add] the mean
# hint: This is the mean of x and y, half of their sum.
# edit: tl.load(x_ptr + i) + tl.load(y_ptr + i) → (tl.load(x_ptr + i) + tl.load(y_ptr + i)) / 2

# %% [kernels.add] numbers added to places
# hint: A place is not what lies there: x_ptr + i has to be loaded before numbers can be added.
# edit: tl.load(x_ptr + i) + tl.load(y_ptr + i) → (x_ptr + i) + (y_ptr + i)

# %% [kernels.add] the grid is no tuple
# hint: The grid is a tuple, with a comma even where it has one entry only: kernel[(n,)].
# edit: kernel[(len(x),)] → kernel[len(x)]

# %% [kernels.add] the function returns nothing
# hint: Nothing comes back. A kernel returns nothing; the function has to return the tensor that the kernel wrote to.
# edit: return out → pass

# %% [kernels.add] written into x
# hint: The sums are written over x: make a tensor for them, of x's length.
# edit: out = torch.empty_like(x) → out = x

# %% [kernels.add] one after the other
# hint: This is a vector of both lengths, one behind the other: add element by element.
return torch.cat([x, y])

# %% [kernels.add] one number
# hint: The sums are added up to one number: out has as many elements as x.
return (x + y).sum()

# %% [kernels.add] only the first of each four
# hint: Every fourth place is written only: program numbers count by one, and here a place is four times the number.
# hint: (Bytes are counted by Triton, not by you.)
# edit: tl.store(out_ptr + i, both) → tl.store(out_ptr + i, both, mask=i % 4 == 0)

# %% [kernels.add] zeros
# hint: Everything is 0: out is made of zeros and never written. Is the kernel launched, and is what it wrote to returned?
# hint: (A grid of n // BLOCK programs is none at all where the vector is shorter than a block.)
return torch.zeros_like(x)

# %% [kernels.add] a block of 32 alone
# hint: Only the first 32 numbers are written: there is one block of a fixed length, and vectors have any.
out = torch.full_like(x, float("nan"))
out[:32] = x[:32] + y[:32]
return out

# ---- kernels.masked_copy ---------------------------------------------------------------------------------------------

# %% [kernels.masked_copy] no mask at the load
# hint: The last block hangs over the end, and its lanes there read what belongs to nobody: the load needs a mask that
# hint: is false from the place n on.
# edit: tl.load(x_ptr + i, mask=i < n) → tl.load(x_ptr + i)

# %% [kernels.masked_copy] no mask at the store
# hint: The load is masked, the store is not: the last block writes over memory behind the end of out. Store with the
# hint: same mask.
# edit: tl.store(out_ptr + i, block, mask=i < n) → tl.store(out_ptr + i, block)

# %% [kernels.masked_copy] the last block is missing
# hint: The numbers of the last block, which is not full, were never written: the grid has n // 16 programs, rounded
# hint: down.
# edit: triton.cdiv(len(x), 16) → len(x) // 16

# %% [kernels.masked_copy] the first block alone
# hint: Only the first 16 numbers are written. Either all programs have the same places, or there is one program, or
# hint: the mask compares with the block's length instead of the vector's.
# edit: tl.program_id(0) * BLOCK + tl.arange → tl.arange

# %% [kernels.masked_copy] blocks that begin one apart
# hint: The blocks overlap: program 1 begins at place 1. Where does the second block of 16 begin?
# edit: tl.program_id(0) * BLOCK + tl.arange → tl.program_id(0) + tl.arange

# %% [kernels.masked_copy] half blocks
# hint: Every second half block is missing: programs are 16 places apart and each copies 8.
# edit: tl.arange(0, BLOCK) → tl.arange(0, BLOCK // 2)

# %% [kernels.masked_copy] the last number is missing
# hint: The last number was never written: the mask ends one too early. Places count from 0, so n − 1 is inside.
# edit: mask=i < n → mask=i < n - 1

# %% [kernels.masked_copy] the first number is missing
# hint: The first number was never written: place 0 is inside.
# edit: mask=i < n → mask=(i > 0) & (i < n)

# %% [kernels.masked_copy] arange of the length
# hint: tl.arange takes two constants, a power of two apart, since it is compiled: neither the vector's length nor an
# hint: argument that is no tl.constexpr.
# edit: tl.arange(0, BLOCK) → tl.arange(0, 37)

# %% [kernels.masked_copy] an argument for the block's length
# hint: BLOCK arrives as an argument that may change from launch to launch; tl.arange needs a constant. Say
# hint: `tl.constexpr`.
# edit: n, BLOCK: tl.constexpr) → n, BLOCK)

# %% [kernels.masked_copy] the same memory
# hint: This is x itself, or a view of it: who changes the copy changes x. Write to new memory, and return that.
return x

# %% [kernels.masked_copy] a grid of fixed size
# hint: Right for short vectors only: the grid has a fixed number of programs. It grows with the length.
# edit: (triton.cdiv(len(x), 16),) → (16,)

# %% [kernels.masked_copy] three programs
# hint: Right for this length alone: the grid has three programs, whatever the length.
# edit: (triton.cdiv(len(x), 16),) → (3,)

# %% [kernels.masked_copy] positive numbers alone
# hint: Numbers below 0 were dropped. The mask is about *places*, inside the vector or not, and not about what lies
# hint: there.
return torch.where(x > 0, x, torch.zeros_like(x))

# %% [kernels.masked_copy] zeros
# hint: Everything is 0: out is made of zeros and never written, or zeros are stored.
return torch.zeros_like(x)

# %% [kernels.masked_copy] doubled
# hint: Each number is twice what it was: this was the example. Store what was loaded.
# edit: tl.store(out_ptr + i, block → tl.store(out_ptr + i, 2 * block

# %% [kernels.masked_copy] the places for the numbers
# hint: What is stored are the places, 0, 1, 2, …, and not what lies there.
# edit: tl.store(out_ptr + i, block → tl.store(out_ptr + i, i

# %% [kernels.masked_copy] backwards
# hint: The numbers come in reverse.
return x.flip(0)

# %% [kernels.masked_copy] the grid is no tuple
# hint: The grid is a tuple, with a comma even where it has one entry only: kernel[(n,)].
# edit: (triton.cdiv(len(x), 16),) → triton.cdiv(len(x), 16)

# %% [kernels.masked_copy] the function returns nothing
# hint: Nothing comes back: the function has to return the tensor that the kernel wrote to.
# edit: return out → pass

# %% [kernels.masked_copy] whole blocks in out
# hint: out is longer than x: its length was rounded up to whole blocks. The last block's lanes behind the end belong to
# hint: nobody.
# edit: out = torch.empty_like(x) → out = torch.empty(16 * triton.cdiv(len(x), 16))

# %% [kernels.masked_copy] shorter by the last block
# hint: The copy is shorter than x: its length was rounded down to whole blocks.
return x[:len(x) // 16 * 16].clone()

# %% [kernels.masked_copy] blocks that begin eight apart
# hint: Numbers in the middle were never written: is the start of a block its number times its *length*?
# edit: tl.program_id(0) * BLOCK + tl.arange → tl.program_id(0) * 8 + tl.arange

# ---- kernels.row_sum -------------------------------------------------------------------------------------------------

# %% [kernels.row_sum] columns
# hint: These are the sums of the columns: there is one for each of the n columns. A row's sum runs over its columns.
return x.sum(dim=0)

# %% [kernels.row_sum] everything
# hint: This is one number, the sum over everything: each row has its own.
return x.sum()

# %% [kernels.row_sum] the mean
# hint: This is the mean of each row: it was divided by n.
return x.mean(dim=1)

# %% [kernels.row_sum] a column of sums
# hint: The sums are a column, (b, 1); wanted is a vector (b,).
return x.sum(dim=1, keepdim=True)

# %% [kernels.row_sum] masked lanes undefined
# hint: NaN in the sums: the masked lanes were not told what they hold, and they take part in the sum. Say `other=`.
# hint: (The bare interpreter would give 0; a GPU gives anything.)
# edit: , other=0.0 →

# %% [kernels.row_sum] masked lanes of 1
# hint: The lanes behind the row's end hold 1, and are counted. What adds nothing?
# edit: other=0.0 → other=1.0

# %% [kernels.row_sum] no mask
# hint: A program reads where no tensor is. Are the lanes behind the end of the row masked, is a row n places from the
# hint: next, and are there as many programs as rows?
# edit: , mask=i < n, other=0.0 →

# %% [kernels.row_sum] the stride forgotten
# hint: Row 1 begins at place 1: each row is one place further than the one before it. In memory it is a whole row
# hint: further.
# edit: row * n + i → row + i

# %% [kernels.row_sum] masked by the end of the matrix
# hint: Each sum goes on into the rows below: the mask asks whether a place lies in the matrix, not whether it lies in
# hint: this row.
# edit: mask=i < n, other=0.0 → mask=row * n + i < n * tl.num_programs(0), other=0.0

# %% [kernels.row_sum] every program has row 0
# hint: All sums are that of the first row: a program's places do not depend on its number.
# edit: row * n + i → i

# %% [kernels.row_sum] rows of b numbers
# hint: Number of rows and number of columns have changed places: rows are taken to be b long.
# edit: b, n = x.shape → n, b = x.shape
# edit: kernel[(b,)] → kernel[(n,)]
# edit: torch.empty(b) → torch.empty(n)

# %% [kernels.row_sum] a program for each column
# hint: There are n sums, though x has b rows: out and the grid have the length of the wrong axis.
# edit: torch.empty(b) → torch.zeros(n)

# %% [kernels.row_sum] only the first block
# hint: Only the first 16 columns are summed: the block is shorter than the row.
# edit: BLOCK=triton.next_power_of_2(n) → BLOCK=16

# %% [kernels.row_sum] only the first 64 columns
# hint: Right for short rows only: the block has a fixed size, and a row has any length.
# edit: BLOCK=triton.next_power_of_2(n) → BLOCK=64

# %% [kernels.row_sum] a block that is no power of two
# hint: tl.arange wants constants a power of two apart: round the row's length up, and mask the rest.
# edit: BLOCK=triton.next_power_of_2(n) → BLOCK=n

# %% [kernels.row_sum] the largest
# hint: This is the largest number of each row.
# edit: tl.sum → tl.max

# %% [kernels.row_sum] squares
# hint: These are sums of squares.
# edit: tl.sum(numbers, axis=0) → tl.sum(numbers * numbers, axis=0)

# %% [kernels.row_sum] absolute values
# hint: The numbers lost their signs before they were added.
return x.abs().sum(dim=1)

# %% [kernels.row_sum] the last column left out
# hint: The last column is left out: the mask ends one too early.
# edit: mask=i < n → mask=i < n - 1

# %% [kernels.row_sum] one program alone
# hint: Only out[0] is written: there is one program, or all write to the same place.
# edit: kernel[(b,)] → kernel[(1,)]

# %% [kernels.row_sum] one row too few
# hint: The last row is never written: the grid has one program too few.
# edit: kernel[(b,)] → kernel[(b - 1,)]

# %% [kernels.row_sum] not summed
# hint: A whole block of numbers is stored at a single place: the sum over it is missing.
# edit: tl.sum(numbers, axis=0) → numbers

# %% [kernels.row_sum] running sums
# hint: These are the sums from the first column up to each: wanted is the last of them, one for a row.
return x.cumsum(dim=1)

# %% [kernels.row_sum] the grid is no tuple
# hint: The grid is a tuple, with a comma even where it has one entry only: kernel[(b,)].
# edit: kernel[(b,)] → kernel[b]

# %% [kernels.row_sum] the function returns nothing
# hint: Nothing comes back: the function has to return the tensor that the kernel wrote to.
# edit: return out → pass

# ---- kernels.outer ---------------------------------------------------------------------------------------------------

# %% [kernels.outer] transposed
# hint: Rows and columns have changed places: out[i, j] belongs to x[i] and y[j].
return y[:, None] * x[None, :]

# %% [kernels.outer] sums
# hint: These are sums, x[i] + y[j], and not products.
# edit: column * row → column + row

# %% [kernels.outer] rows n places apart
# hint: The rows of out are taken to be n places apart. A row of it has as many numbers as y.
# edit: i[:, None] * m + → i[:, None] * n +

# %% [kernels.outer] places of the transposed table
# hint: The places run down the columns: j is multiplied by the length of a row, where i should be.
# edit: i[:, None] * m + j[None, :] → j[None, :] * n + i[:, None]

# %% [kernels.outer] rows one place apart
# hint: Row 1 of out begins at place 1: i has to be multiplied by the length of a row.
# edit: i[:, None] * m + → i[:, None] +

# %% [kernels.outer] no mask at the loads
# hint: A program reads behind the end of x or y: both loads need masks, each by its own length.
# edit: tl.load(x_ptr + i, mask=i < n) → tl.load(x_ptr + i)
# edit: tl.load(y_ptr + j, mask=j < m) → tl.load(y_ptr + j)

# %% [kernels.outer] no mask at the store
# hint: The last blocks write behind the end of out. The store needs a mask that is true where i *and* j are inside.
# hint: Lanes behind the end of a row would land in the next one.
# edit: , mask=inside →

# %% [kernels.outer] one block alone
# hint: Only the first block of 8 × 8 is written: the grid has one program, or all programs have the same places.
# edit: (triton.cdiv(n, 8), triton.cdiv(m, 8)) → (1, 1)

# %% [kernels.outer] one column of blocks
# hint: Only the first 8 columns are written: the grid has one axis, or a single program on its second one.
# edit: (triton.cdiv(n, 8), triton.cdiv(m, 8)) → (triton.cdiv(n, 8), 1)

# %% [kernels.outer] one row of blocks
# hint: Only the first 8 rows are written: there is a single program on the grid's first axis.
# edit: (triton.cdiv(n, 8), triton.cdiv(m, 8)) → (1, triton.cdiv(m, 8))

# %% [kernels.outer] the grid rounded down
# hint: The blocks that are not full were never written: the grid is rounded down.
# edit: (triton.cdiv(n, 8), triton.cdiv(m, 8)) → (n // 8, m // 8)

# %% [kernels.outer] both axes from one number
# hint: Only the blocks on the diagonal are written: rows and columns are both computed from program_id(0), where the
# hint: columns need program_id(1).
# edit: tl.program_id(1) → tl.program_id(0)

# %% [kernels.outer] the axes of the grid changed
# hint: The grid's axes have changed places: its first axis counts blocks of columns, and the kernel takes it for rows.
# edit: (triton.cdiv(n, 8), triton.cdiv(m, 8)) → (triton.cdiv(m, 8), triton.cdiv(n, 8))

# %% [kernels.outer] x with itself
# hint: x is multiplied with itself: the second load reads from x.
# edit: tl.load(y_ptr + j, mask=j < m) → tl.load(x_ptr + j, mask=j < n)

# %% [kernels.outer] element by element
# hint: Two vectors of different lengths were multiplied element by element. Each number of x meets each of y: give
# hint: them axes of their own.
return x * y

# %% [kernels.outer] flat
# hint: All the products in one vector: wanted is a table (n, m).
return (x[:, None] * y[None, :]).flatten()

# %% [kernels.outer] the first of x for a block
# hint: Every row of a block has its first number of x.
# edit: tl.load(x_ptr + i, mask=i < n) → tl.load(x_ptr + i // BLOCK * BLOCK, mask=i < n)

# %% [kernels.outer] the function returns nothing
# hint: Nothing comes back: the function has to return the tensor that the kernel wrote to.
# edit: return out → pass

# %% [kernels.outer] one axis for both
# hint: Rows and columns share one axis of the block: i[:, None] makes a column of it, j[None, :] a row, and only
# hint: together they make a table.
# edit: i[:, None] * m + j[None, :], column * row, mask=inside → i * m + j, tl.sum(column, axis=1) * tl.sum(row, axis=0), mask=(i < n) & (j < m)

# %% [kernels.outer] an inner product
# hint: One number came, an inner product: the table has a product for every pair.
k = min(len(x), len(y))
return torch.dot(x[:k], y[:k])

# ---- kernels.bytes_moved ---------------------------------------------------------------------------------------------

# %% [kernels.bytes_moved] multiplied
# hint: Reads and writes are multiplied: that many tensors never pass.
# edit: (reads + writes) → (reads * writes)

# %% [kernels.bytes_moved] the difference
# hint: Writes are taken off the reads; bytes that go out pass the door as well.
# edit: (reads + writes) → (reads - writes)

# %% [kernels.bytes_moved] reads alone
# hint: What is written is not counted.
# edit: (reads + writes) → reads

# %% [kernels.bytes_moved] writes alone
# hint: What is read is not counted.
# edit: (reads + writes) → writes

# %% [kernels.bytes_moved] the output is read as well
# hint: Each tensor that is written was counted twice, as if it were read first. A store need not know what lay there.
# edit: (reads + writes) → (reads + 2 * writes)

# %% [kernels.bytes_moved] inputs are written back
# hint: Each tensor that is read was counted twice, as if it were written back. What is only read stays where it is.
# edit: (reads + writes) → (2 * reads + writes)

# %% [kernels.bytes_moved] everything twice
# hint: Everything is counted twice.
# edit: (reads + writes) → 2 * (reads + writes)

# %% [kernels.bytes_moved] elements
# hint: These are elements and not bytes.
# edit: * numel * itemsize → * numel

# %% [kernels.bytes_moved] bits
# hint: These are bits: itemsize is in bytes already.
# edit: * itemsize → * itemsize * 8

# %% [kernels.bytes_moved] four bytes always
# hint: Right for float32 alone: an element has itemsize bytes.
# edit: * itemsize → * 4

# %% [kernels.bytes_moved] one tensor
# hint: These are the bytes of one tensor: how many pass?
# edit: (reads + writes) * → 1 *

# %% [kernels.bytes_moved] added
# hint: The itemsize is added, where every element has so many bytes.
# edit: * numel * itemsize → * numel + itemsize

# %% [kernels.bytes_moved] the product without brackets
# hint: Only the writes are multiplied by the size of a tensor: brackets are missing.
# edit: (reads + writes) → reads + writes

# %% [kernels.bytes_moved] the item's size for the writes alone
# hint: The item's size multiplies the writes alone, and the elements the reads alone (or all): brackets are missing.
# edit: (reads + writes) * numel * itemsize → numel * reads + writes * itemsize

# %% [kernels.bytes_moved] the item's size within the brackets
# hint: The reads are counted in elements and the writes in bytes: the item's size stands within the brackets.
# edit: (reads + writes) * numel * itemsize → numel * (reads + writes * itemsize)

# %% [kernels.bytes_moved] brackets around the other half
# hint: Only the reads are multiplied by the elements: brackets are missing around reads + writes.
return (numel * reads + writes) * itemsize

# %% [kernels.bytes_moved] a float
# hint: The number is right but it is a float (a division, or float(…)); bytes are counted by an int.
# edit: return (reads → return 1.0 * (reads

# %% [kernels.bytes_moved] kilobytes
# hint: These are kibibytes, divided by 1024.
# edit: * itemsize → * itemsize // 1024

# %% [kernels.bytes_moved] a tensor
# hint: A tensor came: an int is asked for.
return torch.tensor((reads + writes) * numel * itemsize)

# %% [kernels.bytes_moved] the larger of the two
# hint: This counts the larger of reads and writes, as if both passed the door at the same time.
# edit: (reads + writes) → max(reads, writes)

# %% [kernels.bytes_moved] divided by the itemsize
# hint: It is divided by the itemsize, where an element takes that many bytes.
# edit: * numel * itemsize → * numel // itemsize

# %% [kernels.bytes_moved] nothing returned
# hint: Nothing comes back: is the number printed, or is `return` missing?
# edit: return (reads → print(end="") or (reads

# %% [kernels.bytes_moved] kibibytes, as a float
# hint: These are kibibytes, and a float: bytes are asked for.
# edit: * itemsize → * itemsize / 1024

# ---- kernels.q_sample ------------------------------------------------------------------------------------------------

# %% [kernels.q_sample] the signal without its root
# hint: The signal is multiplied by ᾱ itself; ᾱ is a share of *variance*.
# edit: tl.sqrt(share) * x → share * x

# %% [kernels.q_sample] the noise without its root
# hint: The noise is multiplied by 1 − ᾱ itself, which is its variance.
# edit: tl.sqrt(1 - share) * eps → (1 - share) * eps

# %% [kernels.q_sample] no roots
# hint: Neither factor has its root: ᾱ and 1 − ᾱ are shares of variance.
# edit: tl.sqrt(share) * x + tl.sqrt(1 - share) * eps → share * x + (1 - share) * eps

# %% [kernels.q_sample] factors changed
# hint: Data and noise have each other's factors: with ᾱ near 1 there should be little noise. (Or the two tensors have
# hint: changed places among the kernel's arguments.)
# edit: tl.sqrt(share) * x + tl.sqrt(1 - share) * eps → tl.sqrt(1 - share) * x + tl.sqrt(share) * eps

# %% [kernels.q_sample] the root before 1 minus
# hint: The noise's factor is 1 − √ᾱ: variances add up to 1, standard deviations do not.
# edit: tl.sqrt(1 - share) * eps → (1 - tl.sqrt(share)) * eps

# %% [kernels.q_sample] the square under the root
# hint: The noise's factor is √(1 − ᾱ²): the table holds ᾱ, a variance already.
# edit: tl.sqrt(1 - share) → tl.sqrt(1 - share * share)

# %% [kernels.q_sample] the root taken twice
# hint: The table is rooted before it is used, and once more in the formula.
# edit: share = tl.load(table_ptr + tl.load(t_ptr + sample)) → share = tl.sqrt(tl.load(table_ptr + tl.load(t_ptr + sample)))

# %% [kernels.q_sample] minus
# hint: The noise is subtracted.
# edit: * x + tl.sqrt → * x - tl.sqrt

# %% [kernels.q_sample] the noise at full strength
# hint: The noise is added at full strength: it has a factor as well.
# edit: tl.sqrt(1 - share) * eps → eps

# %% [kernels.q_sample] the signal at full strength
# hint: The signal is kept at full strength: that is the variance-exploding way. Here it shrinks.
# edit: tl.sqrt(share) * x → x

# %% [kernels.q_sample] the stride forgotten
# hint: All samples have the places of the first one: a sample's numbers begin behind those of the samples before it,
# hint: and what was never written is NaN.
# edit: sample * n + i → i

# %% [kernels.q_sample] samples one place apart
# hint: Sample 1 begins at place 1: the samples lie n places apart, not one.
# edit: sample * n + i → sample + i

# %% [kernels.q_sample] the time of the block
# hint: The time is looked up by the number of the block: every sample has its first block at the first sample's time.
# edit: tl.load(t_ptr + sample) → tl.load(t_ptr + tl.program_id(1))

# %% [kernels.q_sample] the first time for all
# hint: All samples have the time of the first one: t_ptr is the place where the times begin.
# edit: tl.load(t_ptr + sample) → tl.load(t_ptr)

# %% [kernels.q_sample] the sample for its time
# hint: The table is looked up at the sample's number: what lies there belongs to the time 0, 1, 2, … . Load the
# hint: sample's time first.
# edit: tl.load(table_ptr + tl.load(t_ptr + sample)) → tl.load(table_ptr + sample)

# %% [kernels.q_sample] the time before
# hint: The table is read one place before the sample's time; index 0 is the first noisy step, and it is in the table.
# edit: tl.load(t_ptr + sample) → tl.maximum(tl.load(t_ptr + sample) - 1, 0)

# %% [kernels.q_sample] no mask at the loads
# hint: A program reads where no tensor is: the last block of the last sample hangs over the end. Are both loads
# hint: masked, and by the length of *one* sample? And does a sample begin `sample` times that length after the first?
# edit: tl.load(x_ptr + place, mask=i < n) → tl.load(x_ptr + place)
# edit: tl.load(noise_ptr + place, mask=i < n) → tl.load(noise_ptr + place)

# %% [kernels.q_sample] no mask at the store
# hint: The loads are masked, the store is not: the last block of each sample writes into the next one, or where no
# hint: tensor is.
# edit: eps, mask=i < n) → eps)

# %% [kernels.q_sample] one block for each sample
# hint: Right for small samples only: of a larger one the first block alone is written. Either the grid has one block a
# hint: sample, or all blocks have the same places.
# edit: triton.cdiv(n, 1024)) → 1)

# %% [kernels.q_sample] the grid rounded down
# hint: The last block of each sample, which is not full, was never written: n // BLOCK is rounded down.
# edit: triton.cdiv(n, 1024)) → n // 1024)

# %% [kernels.q_sample] the last element missing
# hint: The last number of every sample was never written: the mask ends one too early.
# edit: mask=i < n → mask=i < n - 1

# %% [kernels.q_sample] x_start for the noise
# hint: x_start is noise and data at once: the second load reads from x_start.
# edit: tl.load(noise_ptr → tl.load(x_ptr

# %% [kernels.q_sample] factors along the width
# hint: The (b,) factors meet the data without axes of their own: torch aligns from the right, and there is the width.
share = alphas_cumprod[t]
return share.sqrt() * x_start + (1 - share).sqrt() * noise

# %% [kernels.q_sample] factors along the width, where it has any length
# hint: The factors are repeated along the wrong axis: each *sample* has its own, not each column.
share = torch.stack([alphas_cumprod[t][k % len(t)] for k in range(x_start.shape[-1])])
return share.sqrt() * x_start + (1 - share).sqrt() * noise

# %% [kernels.q_sample] four axes
# hint: Right for pictures only: the factors have four axes, and points have two. Take as many as x_start has.
share = alphas_cumprod[t][:, None, None, None]
return share.sqrt() * x_start + (1 - share).sqrt() * noise

# %% [kernels.q_sample] written into x_start
# hint: x_t is written over x_start: make new memory.
# edit: torch.empty_like(x_start) → x_start

# %% [kernels.q_sample] the function returns nothing
# hint: Nothing comes back: the function has to return the tensor that the kernel wrote to.
# edit: return out → pass

# %% [kernels.q_sample] the stride forgotten at the loads
# hint: Every sample *reads* where the first one lies, though it writes to its own place: the sample's number times n is
# hint: missing in the loads.
# edit: tl.load(x_ptr + place → tl.load(x_ptr + i
# edit: tl.load(noise_ptr + place → tl.load(noise_ptr + i

# %% [kernels.q_sample] the axes of the grid changed
# hint: All samples but the first are never written (or whole blocks of them): the grid's axes and the kernel's numbers do
# hint: not fit. The axis that counts samples has as many programs as there are samples.
# edit: grid = (len(x_start), triton.cdiv(n, 1024)) → grid = (triton.cdiv(n, 1024), len(x_start))

# ---- kernels.guided_step ---------------------------------------------------------------------------------------------

# %% [kernels.guided_step] the other convention
# hint: This is w·cond + (1 − w)·uncond, the convention of guidance_scale = 1 + w. Here w = 0 is the plain conditional.
# edit: (1 + w) * with_it - w * without → w * with_it + (1 - w) * without

# %% [kernels.guided_step] cond and uncond changed
# hint: The two answers have changed places: at w = 0 the one *with* the condition is left.
# edit: (1 + w) * with_it - w * without → (1 + w) * without - w * with_it

# %% [kernels.guided_step] plus uncond
# hint: The unconditional answer is added: guidance leads away from it.
# edit: with_it - w * without → with_it + w * without

# %% [kernels.guided_step] w cond
# hint: The conditional answer has the factor w, so that at w = 0 nothing of it is left.
# edit: (1 + w) * with_it → w * with_it

# %% [kernels.guided_step] no guidance
# hint: The unconditional answer does not enter.
# edit: answer = (1 + w) * with_it - w * without → answer = with_it

# %% [kernels.guided_step] uncond with 1 + w
# hint: Both answers have the factor 1 + w: the two factors add up to 1.
# edit: - w * without → - (1 + w) * without

# %% [kernels.guided_step] w forgotten at uncond
# hint: The unconditional answer is taken off without its factor w.
# edit: - w * without → - without

# %% [kernels.guided_step] the mean of both
# hint: This is the mean of both answers.
# edit: (1 + w) * with_it - w * without → 0.5 * with_it + 0.5 * without

# %% [kernels.guided_step] no clamp
# hint: The predicted data is not clamped.
# edit: clean = tl.minimum(tl.maximum(clean, -1.0), 1.0) → pass

# %% [kernels.guided_step] clamped to 0 and 1
# hint: The predicted data is clamped to [0, 1]; inside a model images are in [−1, 1].
# edit: tl.maximum(clean, -1.0) → tl.maximum(clean, 0.0)

# %% [kernels.guided_step] clamped from above only
# hint: The predicted data is held below 1, but not above −1.
# edit: tl.minimum(tl.maximum(clean, -1.0), 1.0) → tl.minimum(clean, 1.0)

# %% [kernels.guided_step] clamped from below only
# hint: The predicted data is held above −1, but not below 1.
# edit: tl.minimum(tl.maximum(clean, -1.0), 1.0) → tl.maximum(clean, -1.0)

# %% [kernels.guided_step] minimum and maximum changed
# hint: Everything is 1 or −1 after the clamp: minimum and maximum have changed places.
# edit: tl.minimum(tl.maximum(clean, -1.0), 1.0) → tl.maximum(tl.minimum(clean, -1.0), 1.0)

# %% [kernels.guided_step] the result clamped
# hint: The clamp is at the end, on x_s: it belongs to the predicted data, before the mean; states have no bounds.
# edit: clean = tl.minimum(tl.maximum(clean, -1.0), 1.0) → pass
# edit: tl.store(out_ptr + i, moved + tl.load(k_ptr + 4) * fresh, → tl.store(out_ptr + i, tl.minimum(tl.maximum(moved + tl.load(k_ptr + 4) * fresh, -1.0), 1.0),

# %% [kernels.guided_step] the answer clamped
# hint: The clamp is on the network's guided answer; it belongs to the predicted data that is computed from it.
# edit: answer = (1 + w) * with_it - w * without → answer = tl.minimum(tl.maximum((1 + w) * with_it - w * without, -1.0), 1.0)
# edit: clean = tl.minimum(tl.maximum(clean, -1.0), 1.0) → pass

# %% [kernels.guided_step] k_x and k_out changed
# hint: k_x and k_out have changed places: k_x is the state's.
# edit: tl.load(k_ptr) * state + tl.load(k_ptr + 1) * answer → tl.load(k_ptr + 1) * state + tl.load(k_ptr) * answer

# %% [kernels.guided_step] c_start and c_noise changed
# hint: c_start and c_noise have changed places: the five lie in memory as k_x, k_out, c_x, c_start, c_noise.
# edit: tl.load(k_ptr + 3) * clean → tl.load(k_ptr + 4) * clean
# edit: tl.load(k_ptr + 4) * fresh → tl.load(k_ptr + 3) * fresh

# %% [kernels.guided_step] noise within the clamp
# hint: The fresh noise is added before the clamp, to the predicted data. It is added last, to what the step makes of it.
# edit: tl.load(k_ptr + 1) * answer → tl.load(k_ptr + 1) * answer + tl.load(k_ptr + 4) * fresh
# edit: moved + tl.load(k_ptr + 4) * fresh → moved

# %% [kernels.guided_step] c_x and c_start changed
# hint: c_x and c_start have changed places.
# edit: tl.load(k_ptr + 2) * state + tl.load(k_ptr + 3) * clean → tl.load(k_ptr + 3) * state + tl.load(k_ptr + 2) * clean

# %% [kernels.guided_step] no noise
# hint: z does not enter.
# edit: moved + tl.load(k_ptr + 4) * fresh → moved

# %% [kernels.guided_step] the noise at full strength
# hint: z is added at full strength: its coefficient is the fifth.
# edit: tl.load(k_ptr + 4) * fresh → fresh

# %% [kernels.guided_step] a root of c_noise
# hint: A root is taken of c_noise: it multiplies z as it is.
# edit: tl.load(k_ptr + 4) * fresh → tl.sqrt(tl.load(k_ptr + 4)) * fresh

# %% [kernels.guided_step] minus the noise
# hint: The noise is subtracted.
# edit: moved + tl.load(k_ptr + 4) * fresh → moved - tl.load(k_ptr + 4) * fresh

# %% [kernels.guided_step] the state does not enter the mean
# hint: The state itself is missing in x_s: c_x·x.
# edit: tl.load(k_ptr + 2) * state + → 0 * state +

# %% [kernels.guided_step] the answer for the predicted data
# hint: In x_s stands the network's answer, where the predicted data belongs.
# edit: tl.load(k_ptr + 3) * clean → tl.load(k_ptr + 3) * answer

# %% [kernels.guided_step] the predicted data before its clamp
# hint: In x_s stands the predicted data as it was before the clamp: that is lost unless the clamped one is kept.
# edit: clean = tl.minimum(tl.maximum(clean, -1.0), 1.0) → unused = tl.minimum(tl.maximum(clean, -1.0), 1.0)
# edit: moved = tl.load(k_ptr + 2) * state → moved = tl.load(k_ptr + 2) * clean

# %% [kernels.guided_step] the state is missing in the predicted data
# hint: The predicted data is computed from the network's answer alone: k_x·x is missing.
# edit: tl.load(k_ptr) * state + → 0 * state +

# %% [kernels.guided_step] minus the answer
# hint: k_out·guided is subtracted; a coefficient brings its own sign.
# edit: tl.load(k_ptr) * state + tl.load → tl.load(k_ptr) * state - tl.load

# %% [kernels.guided_step] one coefficient for all
# hint: All five coefficients are the first one: k_ptr is the place where they begin.
# edit: k_ptr + 1 → k_ptr
# edit: k_ptr + 2 → k_ptr
# edit: k_ptr + 3 → k_ptr
# edit: k_ptr + 4 → k_ptr

# %% [kernels.guided_step] coefficients one place further
# hint: A program reads where no tensor is. Coefficients count from k_ptr + 0; and the last block of the tensors hangs
# hint: over the end and needs a mask at every load.
# edit: state = tl.load(x_ptr + i, mask=i < n) → state = tl.load(x_ptr + i)

# %% [kernels.guided_step] no mask at the store
# hint: The loads are masked, the store is not: the last block writes where no tensor is.
# edit: * fresh, mask=i < n) → * fresh)

# %% [kernels.guided_step] one block alone
# hint: Right for small tensors only: the grid has one program, or all have the same places.
# edit: (triton.cdiv(n, 1024),) → (1,)

# %% [kernels.guided_step] the grid rounded down
# hint: The last block, which is not full, was never written: the grid is rounded down.
# edit: (triton.cdiv(n, 1024),) → (n // 1024,)

# %% [kernels.guided_step] one sample alone
# hint: Only the first sample is written: n is one sample's length, and here the whole batch is one vector.
# edit: x.numel() → x[0].numel()

# %% [kernels.guided_step] written into x
# hint: x_s is written over x: make new memory.
# edit: out, n = torch.empty_like(x) → out, n = x

# %% [kernels.guided_step] the function returns nothing
# hint: Nothing comes back: the function has to return the tensor that the kernel wrote to.
# edit: return out → pass

# ---- kernels.rms_norm_backward ---------------------------------------------------------------------------------------

# %% [kernels.rms_norm_backward] the projection is missing
# hint: grad_x is the part from above the fraction line alone. x stands in its own norm as well: that gives a second
# hint: term, along n.
# edit: (q - n * along[None, :]) → q

# %% [kernels.rms_norm_backward] the projection added
# hint: The second term has the wrong sign: the derivative of 1/r is −1/r² times that of r.
# edit: (q - n * along → (q + n * along

# %% [kernels.rms_norm_backward] sum over pixels
# hint: The sum inside of grad_x runs over pixels: it runs over the channels of one pixel, as the norm does.
r = x.norm(dim=1, keepdim=True)
n, q, C = x / r, g * upstream, x.shape[1]
along = (n * q).sum(dim=(2, 3), keepdim=True)
return C**0.5 / r * (q - n * along), (C**0.5 * n * upstream).sum(dim=(0, 2, 3), keepdim=True)

# %% [kernels.rms_norm_backward] the root of C missing in grad_x
# hint: grad_x lacks √C: it is a factor of y, so of all its derivatives.
# edit: root_c / r[None, :] * (q → 1 / r[None, :] * (q

# %% [kernels.rms_norm_backward] the root of C missing in grad_g
# hint: grad_g lacks √C: what g multiplies is √C·n.
# edit: root_c * tl.sum(n * up → tl.sum(n * up

# %% [kernels.rms_norm_backward] the root of C missing in both
# hint: Both gradients lack √C.
# edit: C**0.5, **sizes → 1.0, **sizes

# %% [kernels.rms_norm_backward] C without its root
# hint: C stands where its root should.
# edit: C**0.5, **sizes → float(C), **sizes

# %% [kernels.rms_norm_backward] divided by C
# hint: The sum over channels became a mean, or is divided by C. That 1/C belongs to a norm that is a *mean* square;
# hint: there r is another one as well.
# edit: along = tl.sum(n * q, axis=0) → along = tl.sum(n * q, axis=0) / C

# %% [kernels.rms_norm_backward] multiplied by C
# hint: The term along n is C times too large: n is x/‖x‖ here, of length 1; with √C·n for n the sum needs 1/C.
# edit: along = tl.sum(n * q, axis=0) → along = tl.sum(n * q, axis=0) * C

# %% [kernels.rms_norm_backward] not divided by r
# hint: grad_x is not divided by r: where x is twice as long, a step of it turns n half as far.
# edit: root_c / r[None, :] * (q → root_c * (q

# %% [kernels.rms_norm_backward] multiplied by r
# hint: grad_x is multiplied by r, where it should be divided: n = x/r.
# edit: root_c / r[None, :] * (q → root_c * r[None, :] * (q

# %% [kernels.rms_norm_backward] divided by the square of r
# hint: grad_x is divided by r twice: how much of 1/r² have you put into n already?
# edit: root_c / r[None, :] * (q → root_c / (r * r)[None, :] * (q

# %% [kernels.rms_norm_backward] x for n in the projection
# hint: In the term along n stands x for n, once: ∂r/∂x_c is x_c/r, so that both are n.
# edit: n * along[None, :] → x * along[None, :]

# %% [kernels.rms_norm_backward] x for n throughout grad_x
# hint: The second term of grad_x is written with x in both places, without dividing by r².
# edit: n * along[None, :] → x * along[None, :]
# edit: along = tl.sum(n * q, axis=0) → along = tl.sum(x * q, axis=0)

# %% [kernels.rms_norm_backward] the gain forgotten
# hint: grad_x knows nothing of g: what arrives at √C·n is g·upstream.
# edit: gain[:, None] * up → up

# %% [kernels.rms_norm_backward] the gain forgotten in the sum
# hint: The sum over channels takes upstream, where g·upstream belongs.
# edit: along = tl.sum(n * q, axis=0) → along = tl.sum(n * up, axis=0)

# %% [kernels.rms_norm_backward] the gain after the projection
# hint: The bracket is built of upstream, and g is multiplied on outside: but g differs from channel to channel and
# hint: has to be inside of the sum.
# edit: along = tl.sum(n * q, axis=0) → along = tl.sum(n * up, axis=0)
# edit: (q - n * along[None, :]) → gain[:, None] * (up - n * along[None, :])

# %% [kernels.rms_norm_backward] the gain twice
# hint: g is multiplied on twice in grad_x.
# edit: gain[:, None] * up → gain[:, None] * gain[:, None] * up

# %% [kernels.rms_norm_backward] the gain in its own gradient
# hint: grad_g holds g itself: y is linear in g, and its derivative has no g.
# edit: tl.sum(n * up, axis=1) → tl.sum(n * q, axis=1)

# %% [kernels.rms_norm_backward] x for n in grad_g
# hint: grad_g takes x, where n belongs: g multiplies the *normalised* x.
# edit: tl.sum(n * up, axis=1) → tl.sum(x * up, axis=1)

# %% [kernels.rms_norm_backward] grad_g is upstream summed
# hint: grad_g is the sum of upstream, as a shift's would be: g multiplies something.
# edit: tl.sum(n * up, axis=1) → tl.sum(up, axis=1)

# %% [kernels.rms_norm_backward] grad_g of the first sample
# hint: grad_g adds up one sample's parts only: g is shared by all samples.
# edit: parts.sum(dim=0) → parts[:blocks].sum(dim=0)

# %% [kernels.rms_norm_backward] grad_g averaged over samples
# hint: grad_g is divided by the number of samples: the loss's derivative is a sum; whoever wants a mean has put 1/b
# hint: into upstream.
# edit: parts.sum(dim=0) → (parts / b).sum(dim=0)

# %% [kernels.rms_norm_backward] grad_g averaged over everything
# hint: grad_g is a mean over samples and pixels: it is a sum.
# edit: parts.sum(dim=0) → (parts / (b * P)).sum(dim=0)

# %% [kernels.rms_norm_backward] grad_g for each sample
# hint: grad_g has a row for each sample: g is shared by all, so their parts add up.
# edit: parts.sum(dim=0).reshape(1, C, 1, 1) → parts.reshape(b, blocks, C).sum(dim=1).reshape(b, C, 1, 1)

# %% [kernels.rms_norm_backward] grad_g without axes
# hint: grad_g is (C,): it has g's shape, (1, C, 1, 1).
# edit: parts.sum(dim=0).reshape(1, C, 1, 1) → parts.sum(dim=0)

# %% [kernels.rms_norm_backward] grad_g for each pixel
# hint: grad_g has the shape of x: g is shared by samples and pixels, so their parts add up.
r = x.norm(dim=1, keepdim=True)
n, q, C = x / r, g * upstream, x.shape[1]
return C**0.5 / r * (q - n * (n * q).sum(dim=1, keepdim=True)), C**0.5 * n * upstream

# %% [kernels.rms_norm_backward] the square for the norm
# hint: r is the sum of squares: its root is missing.
# edit: r = tl.sqrt(tl.sum(x * x, axis=0)) → r = tl.sum(x * x, axis=0)

# %% [kernels.rms_norm_backward] a norm over everything
# hint: r is one number, the length of everything: each pixel has its own, over its channels.
r = x.norm()
n, q, C = x / r, g * upstream, x.shape[1]
along = (n * q).sum(dim=1, keepdim=True)
return C**0.5 / r * (q - n * along), (C**0.5 * n * upstream).sum(dim=(0, 2, 3), keepdim=True)

# %% [kernels.rms_norm_backward] a mean square for r
# hint: r is the root of the *mean* square, and √C stands besides: it is counted twice.
# edit: r = tl.sqrt(tl.sum(x * x, axis=0)) → r = tl.sqrt(tl.sum(x * x, axis=0) / C)

# %% [kernels.rms_norm_backward] the order changed
# hint: The two gradients have changed places: grad_x comes first.
# edit: return grad_x, parts.sum(dim=0).reshape(1, C, 1, 1) → return parts.sum(dim=0).reshape(1, C, 1, 1), grad_x

# %% [kernels.rms_norm_backward] grad_x alone
# hint: Two gradients are asked for, as a tuple: that of g is missing, or they are not returned.
# edit: return grad_x, parts.sum(dim=0).reshape(1, C, 1, 1) → return grad_x

# %% [kernels.rms_norm_backward] upstream forgotten
# hint: upstream does not enter: these are derivatives of the sum of y.
# edit: up = tl.load(up_ptr + place, mask=inside, other=0.0) → up = tl.where(inside, 1.0, 0.0)

# %% [kernels.rms_norm_backward] minus
# hint: Both the term from above the line and the one from below have the wrong sign in grad_x.
# edit: (q - n * along[None, :]) → (n * along[None, :] - q)

# %% [kernels.rms_norm_backward] masked lanes take part
# hint: NaN comes from lanes that hold no pixel: there the length is 0, and 0/0 is NaN, which a sum carries on even
# hint: where what it is multiplied with is 0. (Or masked lanes were not told what they hold; or something was added to
# hint: new memory that was never set to 0.)
# edit: + tl.where(p < P, 0.0, 1.0) →

# %% [kernels.rms_norm_backward] the first block of pixels alone
# hint: Right for few pixels only: one block of pixels is done for each sample, and the rest was never written.
# edit: triton.cdiv(P, 64) → 1

# %% [kernels.rms_norm_backward] no mask
# hint: A program reads where no tensor is: the block of channels and pixels hangs over on both sides. Are all loads
# hint: masked, and is the place of channel c, pixel p of sample s really (s·C + c)·P + p?
# edit: x = tl.load(x_ptr + place, mask=inside, other=0.0) → x = tl.load(x_ptr + place)

# %% [kernels.rms_norm_backward] the stride of the batch forgotten
# hint: Every sample reads and writes where sample 0 lies: the place needs the number of the sample times C·P.
# edit: (tl.program_id(0) * C + c[:, None]) * P → c[:, None] * P

# %% [kernels.rms_norm_backward] channels last
# hint: The places are those of a tensor with the channels side by side: here the pixels of one channel are.
# edit: (tl.program_id(0) * C + c[:, None]) * P + p[None, :] → (tl.program_id(0) * P + p[None, :]) * C + c[:, None]

# %% [kernels.rms_norm_backward] parts of one sample over each other
# hint: The blocks of a sample write their parts of grad_g over each other: each program needs a row of its own.
# edit: part = tl.program_id(0) * tl.num_programs(1) + tl.program_id(1) → part = tl.program_id(0)
# edit: torch.empty(b * blocks, C) → torch.zeros(b * blocks, C)
