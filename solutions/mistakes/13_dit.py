# ---- dit.patchify ----------------------------------------------------------------------------------------------------

# %% [dit.patchify] channels first in a patch
# hint: Inside a token the numbers are sorted by channel: one channel of all pixels, then the next. The channels of a
# hint: pixel belong side by side.
# edit: permute(0, 2, 4, 3, 5, 1) → permute(0, 2, 4, 1, 3, 5)

# %% [dit.patchify] channels between a patch's rows and columns
# hint: Inside a token the channels stand between the rows and the columns of the patch. Which axis runs fastest?
# edit: permute(0, 2, 4, 3, 5, 1) → permute(0, 2, 4, 3, 1, 5)

# %% [dit.patchify] columns first in a patch
# hint: The pixels of a patch come column by column. They come row by row.
# edit: permute(0, 2, 4, 3, 5, 1) → permute(0, 2, 4, 5, 3, 1)

# %% [dit.patchify] columns first and channels first in a patch
# hint: Inside a token the channels come first, and then the columns of the patch before its rows.
# edit: permute(0, 2, 4, 3, 5, 1) → permute(0, 2, 4, 1, 5, 3)

# %% [dit.patchify] columns, channels, rows in a patch
# hint: Inside a token the columns of the patch come first, then the channels, then the rows. Which axis runs slowest, and
# hint: which fastest?
# edit: permute(0, 2, 4, 3, 5, 1) → permute(0, 2, 4, 5, 1, 3)

# %% [dit.patchify] patches column by column
# hint: Each token is right, but the tokens come column by column of the image. They come row by row.
# edit: permute(0, 2, 4, 3, 5, 1) → permute(0, 4, 2, 3, 5, 1)

# %% [dit.patchify] patches column by column, channels first
# hint: The tokens come column by column of the image, and inside a token one channel after the other.
# edit: permute(0, 2, 4, 3, 5, 1) → permute(0, 4, 2, 1, 3, 5)

# %% [dit.patchify] patches column by column, channels between rows and columns
# hint: The tokens come column by column of the image, and inside a token the channels stand between rows and columns.
# edit: permute(0, 2, 4, 3, 5, 1) → permute(0, 4, 2, 3, 1, 5)

# %% [dit.patchify] both orders turned
# hint: Rows and columns have changed places twice: among the patches, and among the pixels of a patch.
# edit: permute(0, 2, 4, 3, 5, 1) → permute(0, 4, 2, 5, 3, 1)

# %% [dit.patchify] both orders turned, channels first
# hint: Rows and columns have changed places among the patches and inside them, and the channels come first in a token.
# edit: permute(0, 2, 4, 3, 5, 1) → permute(0, 4, 2, 1, 5, 3)

# %% [dit.patchify] the same place of all patches in a token
# hint: A token holds pixels that lie far apart: the place inside a patch and the number of the patch have changed roles.
# hint: An axis of h splits into two: which of them is the outer one?
# edit: reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 3, 5, 1) → reshape(b, c, p, h // p, p, w // p).permute(0, 3, 5, 2, 4, 1)

# %% [dit.patchify] the same place of all patches, channels first
# hint: A token holds pixels that lie far apart, every so many rows and columns, and its channels come first.
# edit: reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 3, 5, 1) → reshape(b, c, p, h // p, p, w // p).permute(0, 3, 5, 1, 2, 4)

# %% [dit.patchify] split the wrong way round, axes as if not
# hint: Each side is split as p times h/p, and then permuted as if it were h/p times p: the numbers of the patches and the
# hint: places inside them have changed roles.
# edit: reshape(b, c, h // p, p, w // p, p) → reshape(b, c, p, h // p, p, w // p)

# %% [dit.patchify] axes of places and of patches changed
# hint: What becomes the number of a token is the place inside a patch. First come the two axes that count patches.
# edit: permute(0, 2, 4, 3, 5, 1) → permute(0, 3, 5, 2, 4, 1)

# %% [dit.patchify] axes not moved
# hint: The six axes stay where they are, and the last reshape takes the numbers in the order in which they lie: whole
# hint: rows of one channel. A reshape alone moves nothing.
# edit: .permute(0, 2, 4, 3, 5, 1) →

# %% [dit.patchify] channels moved only
# hint: The channels went to the end, and the rest stayed: a token is a piece of image rows, not a patch.
# edit: permute(0, 2, 4, 3, 5, 1) → permute(0, 2, 3, 4, 5, 1)

# %% [dit.patchify] patches brought together, channels left in front
# hint: The channels stayed in front of the patches: a token holds numbers of one channel, of several patches.
# edit: permute(0, 2, 4, 3, 5, 1) → permute(0, 1, 2, 4, 3, 5)

# %% [dit.patchify] the channels left in front of the columns
# hint: The channels stand between the two axes that count the patches.
# edit: permute(0, 2, 4, 3, 5, 1) → permute(0, 2, 1, 4, 3, 5)

# %% [dit.patchify] rows of patches beside the places
# hint: A row in a patch comes before the number of the patch in its row: a token is a strip of pixels of one row.
# edit: permute(0, 2, 4, 3, 5, 1) → permute(0, 2, 3, 4, 1, 5)

# %% [dit.patchify] strips for patches
# hint: Only the height is cut: a token is a strip as wide as the image.
# replace:
x = x.reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 3, 5, 1)  # (b, h/p, w/p, p, p, c)
return x.reshape(b, (h // p) * (w // p), p * p * c)
# by:
return x.reshape(b, c, h // p, p, w).permute(0, 2, 3, 4, 1).flatten(2)

# %% [dit.patchify] p patches a side
# hint: p is taken for the number of patches a side. It counts the pixels on the side of a patch.
# edit: reshape(b, c, h // p, p, w // p, p) → reshape(b, c, p, h // p, p, w // p)
# edit: (h // p) * (w // p), p * p * c → p * p, -1

# %% [dit.patchify] a size as a float
# hint: `/` gives a float, even where nothing is left over. `//` divides to whole numbers.
# edit: reshape(b, c, h // p, p, w // p, p) → reshape(b, c, h / p, p, w / p, p)

# %% [dit.patchify] height and width changed in the split
# hint: Height and width have changed places where the axes are split. With square images you would not see it.
# edit: reshape(b, c, h // p, p, w // p, p) → reshape(b, c, w // p, p, h // p, p)

# %% [dit.patchify] a reshape to wrong numbers
# hint: A reshape is asked for more or fewer numbers than there are. Images may be wider than high, p need not be 2, and
# hint: there may be any number of channels.
# edit: x.reshape(b, c, h // p, p, w // p, p) → x.reshape(b, c, h // p, p, h // p, p)

# %% [dit.patchify] p for another size
# hint: The first images go well; with another p, or another number of channels, a reshape does not fit. Is one of them
# hint: written as a number?
# edit: p * p * c) → 4 * c)

# %% [dit.patchify] two samples always
# hint: The number of samples is fixed: one image alone does not work.
# edit: return x.reshape(b, → return x.reshape(2,

# %% [dit.patchify] tokens and numbers changed
# hint: The tokens stand along the last axis and a token's numbers along the middle one. Attention takes (b, n, d).
# edit: p * p * c) → p * p * c).transpose(1, 2)

# %% [dit.patchify] F.unfold as it comes
# hint: `F.unfold` lays a patch along the middle axis, one channel after the other. Two things about its order are still to
# hint: be changed.
# replace:
b, c, h, w = x.shape
x = x.reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 3, 5, 1)  # (b, h/p, w/p, p, p, c)
return x.reshape(b, (h // p) * (w // p), p * p * c)
# by:
return F.unfold(x, p, stride=p)

# %% [dit.patchify] the last reshape takes the tokens for numbers
# hint: The shape is (b, numbers, tokens), filled in the order of tokens: the last reshape has its sizes in another order.
# edit: (h // p) * (w // p), p * p * c → p * p * c, (h // p) * (w // p)

# %% [dit.patchify] overlapping patches
# hint: The patches overlap: they begin at every pixel. They lie side by side.
# replace:
b, c, h, w = x.shape
x = x.reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 3, 5, 1)  # (b, h/p, w/p, p, p, c)
return x.reshape(b, (h // p) * (w // p), p * p * c)
# by:
return F.unfold(x, p).unflatten(1, (x.shape[1], -1)).permute(0, 3, 2, 1).flatten(2)

# %% [dit.patchify] the patches stay in a grid
# hint: The patches keep two axes, rows and columns of the image. A sequence has one.
# edit: return x.reshape(b, (h // p) * (w // p), p * p * c) → return x.flatten(3)

# %% [dit.patchify] the patches stay patches
# hint: The patches are in a row, but each is still a small image. A token is one line of numbers.
# edit: p * p * c) → p, p, c)

# %% [dit.patchify] pixels and channels not joined
# hint: A token still has two axes, pixels and channels: they are joined into one.
# edit: p * p * c) → p * p, c)

# %% [dit.patchify] six axes
# hint: The axes are in order, but nothing is joined: six come back where three are wanted.
# edit: return x.reshape(b, (h // p) * (w // p), p * p * c) → return x

# %% [dit.patchify] tokens of all images in one row
# hint: The tokens of all images stand in one axis. Each image keeps its own sequence.
# edit: return x.reshape(b, (h // p) * (w // p), p * p * c) → return x.reshape(-1, p * p * c)

# %% [dit.patchify] a batch of tokens
# hint: The first axis counts tokens and the second images. It is the other way round.
# edit: p * p * c) → p * p * c).transpose(0, 1)

# %% [dit.patchify] samples mixed
# hint: The last reshape gives the axes of samples and tokens in another order than the numbers lie: tokens of one image
# hint: come to another.
# edit: permute(0, 2, 4, 3, 5, 1) → permute(2, 4, 0, 3, 5, 1)

# %% [dit.patchify] a token for each pixel
# hint: There is a token for each pixel: the patches are not cut.
# edit: (h // p) * (w // p), p * p * c) → h * w, c)

# %% [dit.patchify] a token for each channel of a patch
# hint: Each channel of a patch is a token of its own. A token holds all channels.
# edit: (h // p) * (w // p), p * p * c) → (h // p) * (w // p) * c, p * p)

# %% [dit.patchify] the mean of a patch
# hint: A token is the mean of its patch: what differs inside of it is lost.
# edit: return x.reshape(b, (h // p) * (w // p), p * p * c) → return x.mean(dim=(3, 4)).flatten(1, 2)

# %% [dit.patchify] the first pixel of a patch
# hint: A token holds one pixel of its patch; the others are lost.
# edit: return x.reshape(b, (h // p) * (w // p), p * p * c) → return x[:, :, :, 0, 0].flatten(1, 2)

# %% [dit.patchify] patches from the last to the first
# hint: The tokens come from the last to the first.
# edit: p * p * c) → p * p * c).flip(1)

# %% [dit.patchify] pixels from the last to the first
# hint: The numbers of a token come from the last to the first.
# edit: p * p * c) → p * p * c).flip(2)

# %% [dit.patchify] images turned first
# hint: Height and width have changed places before the cut: patches and their pixels come column by column.
# edit: b, c, h, w = x.shape → x = x.transpose(2, 3).reshape(x.shape); b, c, h, w = x.shape

# %% [dit.patchify] channels-last by a reshape
# hint: Channels come last by a reshape, which moves no number: x is still sorted by channel.
# edit: x.reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 3, 5, 1) → x.reshape(b, h // p, p, w // p, p, c).permute(0, 1, 3, 2, 4, 5)

# %% [dit.patchify] a view of what is not in order
# hint: A `view` needs numbers that lie in the order of their axes, and after a permutation they do not. What makes a new
# hint: tensor where it must?
# edit: return x.reshape( → return x.view(

# %% [dit.patchify] five axes moved
# hint: After the split there are six axes, and `permute` wants each of them once.
# edit: permute(0, 2, 4, 3, 5, 1) → permute(0, 2, 4, 3, 1)

# %% [dit.patchify] without a gradient
# hint: The tokens are cut off from x, so that nothing before them could learn.
# edit: p * p * c) → p * p * c).detach()

# %% [dit.patchify] float32 always
# hint: The numbers change their precision on the way. Where you make a new tensor, take `x.new_zeros`, of
# hint: x's dtype.
# edit: p * p * c) → p * p * c).float()

# %% [dit.patchify] a list of patches
# hint: A list comes back; one tensor of all tokens is wanted.
# edit: return x.reshape(b, (h // p) * (w // p), p * p * c) → return list(x.reshape(b, (h // p) * (w // p), p * p * c).unbind(1))

# %% [dit.patchify] the shape as well
# hint: A tuple comes back: the tokens alone are wanted.
# edit: return x.reshape(b, (h // p) * (w // p), p * p * c) → return x.reshape(b, (h // p) * (w // p), p * p * c), (h // p, w // p)

# %% [dit.patchify] nothing returned
# hint: Nothing comes back: a `return` is missing.
# edit: return x → x = x

# %% [dit.patchify] scaled to [0, 1]
# hint: The numbers themselves are changed. Only their places change.
# edit: return x. → return ((x + 1) / 2).

# ---- dit.unpatchify --------------------------------------------------------------------------------------------------

# %% [dit.unpatchify] channels first in a patch
# hint: A token is read as if it held one channel after the other. In yours, of patchify, the channels of a pixel lie side
# hint: by side.
# edit: p, p, -1).permute(0, 5, 1, 3, 2, 4) → -1, p, p).permute(0, 3, 1, 4, 2, 5)

# %% [dit.unpatchify] the channels between rows and columns
# hint: A token is read as if its channels stood between the rows and the columns of the patch.
# edit: p, p, -1).permute(0, 5, 1, 3, 2, 4) → p, -1, p).permute(0, 4, 1, 3, 2, 5)

# %% [dit.unpatchify] patches turned, the channels between rows and columns
# hint: A token is read as columns, channels, rows. Which of its axes runs slowest, and which fastest?
# edit: p, p, -1).permute(0, 5, 1, 3, 2, 4) → p, -1, p).permute(0, 4, 1, 5, 2, 3)

# %% [dit.unpatchify] patches turned
# hint: Each patch is turned: its rows have become columns.
# edit: permute(0, 5, 1, 3, 2, 4) → permute(0, 5, 1, 4, 2, 3)

# %% [dit.unpatchify] patches turned, channels first
# hint: Each patch is turned, and its channels are read as if they came first.
# edit: p, p, -1).permute(0, 5, 1, 3, 2, 4) → -1, p, p).permute(0, 3, 1, 5, 2, 4)

# %% [dit.unpatchify] patches column by column
# hint: The tokens are put down column by column of the image. They come row by row.
# edit: reshape(len(tokens), h // p, w // p, p, p, -1).permute(0, 5, 1, 3, 2, 4) → reshape(len(tokens), w // p, h // p, p, p, -1).permute(0, 5, 2, 3, 1, 4)

# %% [dit.unpatchify] both orders turned
# hint: Rows and columns have changed places twice: among the patches, and inside each.
# edit: reshape(len(tokens), h // p, w // p, p, p, -1).permute(0, 5, 1, 3, 2, 4) → reshape(len(tokens), w // p, h // p, p, p, -1).permute(0, 5, 2, 4, 1, 3)

# %% [dit.unpatchify] patches column by column, channels first
# hint: The tokens are put down column by column, and each is read as if its channels came first.
# edit: reshape(len(tokens), h // p, w // p, p, p, -1).permute(0, 5, 1, 3, 2, 4) → reshape(len(tokens), w // p, h // p, -1, p, p).permute(0, 3, 2, 4, 1, 5)

# %% [dit.unpatchify] h/p and w/p changed
# hint: Height and width have changed places where the tokens are split into rows. With square images you would not see it.
# edit: h // p, w // p, p, p, -1) → w // p, h // p, p, p, -1)

# %% [dit.unpatchify] the pixels of a patch spread out
# hint: The pixels of a token are spread over the image, so many rows and columns apart: inside a side, the number of the
# hint: patch comes before the place in it.
# edit: permute(0, 5, 1, 3, 2, 4) → permute(0, 5, 3, 1, 4, 2)

# %% [dit.unpatchify] the pixels spread out, channels first
# hint: The pixels of a token are spread over the image, and its channels are read as if they came first.
# edit: p, p, -1).permute(0, 5, 1, 3, 2, 4) → -1, p, p).permute(0, 3, 4, 1, 5, 2)

# %% [dit.unpatchify] patchify's permutation again
# hint: The axes are permuted as in patchify. The inverse of a permutation is, as a rule, another one: say for each axis
# hint: where it is to go.
# edit: permute(0, 5, 1, 3, 2, 4) → permute(0, 2, 4, 3, 5, 1)

# %% [dit.unpatchify] rows and columns not brought together
# hint: The channels went to the front, and the rest stayed: a row of the image is filled by one patch after the other. To
# hint: which axis does a row inside a patch belong?
# edit: permute(0, 5, 1, 3, 2, 4) → permute(0, 5, 1, 2, 3, 4)

# %% [dit.unpatchify] channels not brought to the front
# hint: Rows and columns are in order, but the channels are still the last axis when the image is put together.
# edit: permute(0, 5, 1, 3, 2, 4) → permute(0, 1, 3, 2, 4, 5)

# %% [dit.unpatchify] channels-last images
# hint: The images come as (b, h, w, c); (b, c, h, w) is wanted.
# edit: permute(0, 5, 1, 3, 2, 4) → permute(0, 1, 3, 2, 4, 5)
# edit: return x.reshape(len(tokens), -1, h, w) → return x.reshape(len(tokens), h, w, -1)

# %% [dit.unpatchify] a reshape alone
# hint: The tokens are only given another shape: no number moves.
# edit: .permute(0, 5, 1, 3, 2, 4) →

# %% [dit.unpatchify] a reshape alone, channels in front
# hint: The tokens are given the shape of images at once: no number moves.
# replace:
x = tokens.reshape(len(tokens), h // p, w // p, p, p, -1).permute(0, 5, 1, 3, 2, 4)  # (b, c, h/p, p, w/p, p)
return x.reshape(len(tokens), -1, h, w)
# by:
return tokens.transpose(1, 2).reshape(len(tokens), -1, h, w)

# %% [dit.unpatchify] height and width changed at the end
# hint: The images come with height and width changed.
# edit: -1, h, w) → -1, w, h)

# %% [dit.unpatchify] the images turned
# hint: The images are turned: rows are columns.
# edit: -1, h, w) → -1, h, w).transpose(2, 3)

# %% [dit.unpatchify] as many patches in a row as in a column
# hint: A row is given as many patches as a column. Images need not be square.
# edit: h // p, w // p, p, p, -1) → h // p, h // p, p, p, -1)

# %% [dit.unpatchify] a size as a float
# hint: `/` gives a float, even where nothing is left over. `//` divides to whole numbers.
# edit: h // p, w // p, p, p, -1) → h / p, w / p, p, p, -1)

# %% [dit.unpatchify] a reshape to wrong numbers
# hint: A reshape is asked for more or fewer numbers than there are. How many rows and columns of *patches* are there? (A
# hint: root of their number is right for square images only.)
# edit: h // p, w // p, p, p, -1) → h, w, p, p, -1)

# %% [dit.unpatchify] three channels always
# hint: The first images go well; with another number of channels, or another p, a reshape does not fit. Is one of them
# hint: written as a number?
# edit: p, p, -1) → p, p, 3)

# %% [dit.unpatchify] two samples always
# hint: The number of samples is fixed: one image alone does not work.
# edit: return x.reshape(len(tokens), → return x.reshape(2,

# %% [dit.unpatchify] six axes
# hint: The axes are in order, but they are not joined: an image has four.
# edit: return x.reshape(len(tokens), -1, h, w) → return x

# %% [dit.unpatchify] rows joined only
# hint: The rows are joined and the columns are not.
# edit: return x.reshape(len(tokens), -1, h, w) → return x.flatten(2, 3)

# %% [dit.unpatchify] the tokens mixed between samples
# hint: Samples mix: their axis was moved before the last reshape.
# edit: permute(0, 5, 1, 3, 2, 4) → permute(5, 0, 1, 3, 2, 4)

# %% [dit.unpatchify] the patches from the last to the first
# hint: The tokens are put down from the last to the first.
# edit: x = tokens. → x = tokens.flip(1).

# %% [dit.unpatchify] a view of what is not in order
# hint: A `view` needs numbers that lie in the order of their axes, and after a permutation they do not. What makes a new
# hint: tensor where it must?
# edit: return x.reshape( → return x.view(

# %% [dit.unpatchify] five axes moved
# hint: After the split there are six axes, and `permute` wants each of them once.
# edit: permute(0, 5, 1, 3, 2, 4) → permute(0, 5, 1, 3, 2)

# %% [dit.unpatchify] without a gradient
# hint: The images are cut off from the tokens, so that no network before could learn.
# edit: return x. → return x.detach().

# %% [dit.unpatchify] float32 always
# hint: The numbers change their precision on the way. Where you make a new tensor, take `tokens.new_zeros`, of
# hint: tokens's dtype.
# edit: return x. → return x.float().

# %% [dit.unpatchify] brought into [−1, 1]
# hint: The numbers themselves are changed. Only their places change.
# edit: return x. → return x.clamp(-1, 1).

# %% [dit.unpatchify] nothing returned
# hint: Nothing comes back: a `return` is missing.
# edit: return x → x = x

# ---- dit.modulate ----------------------------------------------------------------------------------------------------

# %% [dit.modulate] scale and shift changed
# hint: shift multiplies and scale is added: they have changed places.
# edit: (1 + scale[:, None]) + shift[:, None] → (1 + shift[:, None]) + scale[:, None]

# %% [dit.modulate] the 1 missing
# hint: Where scale is 0 all tokens become the same. scale says by how much x *changes*.
# edit: (1 + scale[:, None]) → scale[:, None]

# %% [dit.modulate] scale and shift changed, without the 1
# hint: shift multiplies and scale is added, and the 1 is missing.
# edit: (1 + scale[:, None]) + shift[:, None] → shift[:, None] + scale[:, None]

# %% [dit.modulate] the 1 added to the product
# hint: The 1 is added to the result, and x alone is lost: mind the brackets.
# edit: (1 + scale[:, None]) → scale[:, None] + 1

# %% [dit.modulate] without brackets
# hint: The scale is added where it should multiply. (Without brackets x is multiplied by the 1 alone.)
# edit: (1 + scale[:, None]) → 1 + scale[:, None]

# %% [dit.modulate] shifted first
# hint: The shift is added before the scaling, so that it is scaled as well.
# edit: x * (1 + scale[:, None]) + shift[:, None] → (x + shift[:, None]) * (1 + scale[:, None])

# %% [dit.modulate] both have a 1
# hint: The shift has a 1 as well: where both are 0, x does not stay as it is.
# edit: + shift[:, None] → + 1 + shift[:, None]

# %% [dit.modulate] minus the scale
# hint: The scale is taken from 1.
# edit: 1 + scale → 1 - scale

# %% [dit.modulate] the scale minus 1
# hint: 1 is taken from the scale: where scale is 0, x changes its sign.
# edit: (1 + scale[:, None]) → (scale[:, None] - 1)

# %% [dit.modulate] minus the shift
# hint: The shift is taken away.
# edit: + shift → - shift

# %% [dit.modulate] divided by the scale
# hint: x is divided by the scale.
# edit: x * → x /

# %% [dit.modulate] the exponential of the scale
# hint: The scale goes through an exponential. (2) is linear in it.
# edit: (1 + scale[:, None]) → scale[:, None].exp()

# %% [dit.modulate] the scale bounded
# hint: The scale goes through a tanh. (2) is linear in it.
# edit: scale[:, None] → scale[:, None].tanh()

# %% [dit.modulate] a sigmoid
# hint: The scale goes through a sigmoid, as a gate of an LSTM does. (2) is linear in it.
# edit: (1 + scale[:, None]) → scale[:, None].sigmoid()

# %% [dit.modulate] without the shift
# hint: The shift is not used.
# edit: + shift[:, None] →

# %% [dit.modulate] without the scale
# hint: The scale is not used.
# edit: x * (1 + scale[:, None]) → x

# %% [dit.modulate] without x
# hint: x stands in the product no more: all tokens of a sample become the same.
# edit: x * (1 → (1

# %% [dit.modulate] a residual inside
# hint: x is counted twice: where scale is 0 it is doubled.
# edit: return x * → return x + x *

# %% [dit.modulate] the shift multiplied by x
# hint: The shift is multiplied by x as well.
# edit: x * (1 + scale[:, None]) + shift[:, None] → x * (1 + scale[:, None] + shift[:, None])

# %% [dit.modulate] no axis for the tokens
# hint: shift and scale (b, d) meet x (b, n, d) from the right: samples are taken for tokens. They need an axis for the
# hint: tokens.
# edit: [:, None] →

# %% [dit.modulate] no axis for the scale
# hint: The scale meets x from the right, so that its samples are taken for tokens: an axis is missing.
# edit: scale[:, None] → scale

# %% [dit.modulate] no axis for the shift
# hint: The shift meets x from the right, so that its samples are taken for tokens: an axis is missing.
# edit: shift[:, None] → shift

# %% [dit.modulate] the axis at the end
# hint: The new axis stands at the end, so that the channels of shift and scale are taken for tokens. Which axis of x do
# hint: they lack?
# edit: [:, None] → [:, :, None]

# %% [dit.modulate] the scale's axis at the end
# hint: The scale's new axis stands at the end, so that its channels are taken for tokens.
# edit: scale[:, None] → scale[:, :, None]

# %% [dit.modulate] the shift's axis at the end
# hint: The shift's new axis stands at the end, so that its channels are taken for tokens.
# edit: shift[:, None] → shift[:, :, None]

# %% [dit.modulate] two new axes
# hint: shift and scale have got two new axes, as for images (b, c, h, w); tokens have three axes in all.
# edit: [:, None] → [:, :, None, None]

# %% [dit.modulate] two new axes in the middle
# hint: One new axis too many stands in the middle, so that every sample meets every sample.
# edit: [:, None] → [:, None, None]

# %% [dit.modulate] two new axes for the scale
# hint: The scale has got two new axes, as for images (b, c, h, w).
# edit: scale[:, None] → scale[:, :, None, None]

# %% [dit.modulate] the first sample's for all
# hint: Every sample is scaled and shifted by the first one's numbers.
# edit: [:, None] → [:1, None]

# %% [dit.modulate] the mean of the samples
# hint: All samples share the mean scale and shift.
# edit: [:, None] → .mean(0)

# %% [dit.modulate] one number for all channels
# hint: All channels share the mean scale and shift.
# edit: scale[:, None] → scale[:, None].mean(dim=2, keepdim=True)
# edit: shift[:, None] → shift[:, None].mean(dim=2, keepdim=True)

# %% [dit.modulate] the mean scale
# hint: All channels are scaled by one number. Each has its own.
# edit: scale[:, None] → scale[:, None].mean(dim=2, keepdim=True)

# %% [dit.modulate] normed inside
# hint: x is normed here. The norm has its own place, before this function.
# edit: return x * → return F.layer_norm(x, x.shape[-1:]) *

# %% [dit.modulate] normed after
# hint: The result is normed: then scale and shift have hardly any effect.
# edit: return x * (1 + scale[:, None]) + shift[:, None] → return F.layer_norm(x * (1 + scale[:, None]) + shift[:, None], x.shape[-1:])

# %% [dit.modulate] without a gradient for the scale
# hint: The scale has no gradient: the network could not learn to scale.
# edit: scale[:, None] → scale.detach()[:, None]

# %% [dit.modulate] without a gradient for the shift
# hint: The shift has no gradient: the network could not learn to shift.
# edit: shift[:, None] → shift.detach()[:, None]

# %% [dit.modulate] without gradients for both
# hint: Scale and shift have no gradient: the network could not learn from the time.
# edit: [:, None] → .detach()[:, None]

# %% [dit.modulate] without a gradient for x
# hint: x has no gradient: nothing before this function could learn.
# edit: return x → return x.detach()

# %% [dit.modulate] without any gradient
# hint: The answer is cut off from all it is made of.
# edit: return x * (1 + scale[:, None]) + shift[:, None] → return (x * (1 + scale[:, None]) + shift[:, None]).detach()

# %% [dit.modulate] written into x
# hint: The tokens of the caller are changed: an operation with an underscore, or `*=`, writes into them.
# edit: return x * (1 + scale[:, None]) + shift[:, None] → return x.mul_(1 + scale[:, None]).add_(shift[:, None])

# %% [dit.modulate] float32 always
# hint: The numbers change their precision on the way. Where you make a new tensor, take `x.new_zeros`, of
# hint: x's dtype.
# edit: return x * (1 + scale[:, None]) + shift[:, None] → return (x * (1 + scale[:, None]) + shift[:, None]).float()

# %% [dit.modulate] a tuple
# hint: A tuple comes back; the modulated tokens alone are wanted.
# edit: + shift[:, None] → + shift[:, None], x

# %% [dit.modulate] nothing returned
# hint: Nothing comes back: a `return` is missing.
# edit: return x → x = x

# ---- dit.DiTBlock.forward --------------------------------------------------------------------------------------------

# %% [dit.DiTBlock.forward] scale before shift
# hint: Shifts are taken for scales: the chunks are read as scale, shift, gate, the order of notebook 06, or modulate gets
# hint: them that way. A DiT's begin with the shift.
# edit: shift1, scale1, gate1, shift2, scale2, gate2 = → scale1, shift1, gate1, scale2, shift2, gate2 =

# %% [dit.DiTBlock.forward] the gate first
# hint: The chunks are taken with the gate first. It comes last of each three.
# edit: shift1, scale1, gate1, shift2, scale2, gate2 = → gate1, shift1, scale1, gate2, shift2, scale2 =

# %% [dit.DiTBlock.forward] the gate first, then scale and shift
# hint: The chunks are taken as gate, scale, shift. Each three have the other order.
# edit: shift1, scale1, gate1, shift2, scale2, gate2 = → gate1, scale1, shift1, gate2, scale2, shift2 =

# %% [dit.DiTBlock.forward] scale, gate, shift
# hint: The chunks are taken as scale, gate, shift. Each three have another order.
# edit: shift1, scale1, gate1, shift2, scale2, gate2 = → scale1, gate1, shift1, scale2, gate2, shift2 =

# %% [dit.DiTBlock.forward] shift, gate, scale
# hint: The chunks are taken as shift, gate, scale. The gate comes last of each three.
# edit: shift1, scale1, gate1, shift2, scale2, gate2 = → shift1, gate1, scale1, shift2, gate2, scale2 =

# %% [dit.DiTBlock.forward] the MLP's chunks first
# hint: The first three chunks go to the MLP. They are the attention's.
# edit: shift1, scale1, gate1, shift2, scale2, gate2 = → shift2, scale2, gate2, shift1, scale1, gate1 =

# %% [dit.DiTBlock.forward] the chunks in pairs
# hint: The chunks are taken as two shifts, two scales, two gates. First come all three of the attention.
# edit: shift1, scale1, gate1, shift2, scale2, gate2 = → shift1, shift2, scale1, scale2, gate1, gate2 =

# %% [dit.DiTBlock.forward] both gates last
# hint: The chunks are taken with both gates at the end. Each gate follows its own shift and scale.
# edit: shift1, scale1, gate1, shift2, scale2, gate2 = → shift1, scale1, shift2, scale2, gate1, gate2 =

# %% [dit.DiTBlock.forward] scale before shift, both gates last
# hint: The chunks are taken as scale and shift, twice, with both gates at the end. Each gate follows its own shift and
# hint: scale.
# edit: shift1, scale1, gate1, shift2, scale2, gate2 = → scale1, shift1, scale2, shift2, gate1, gate2 =

# %% [dit.DiTBlock.forward] both gates first
# hint: The chunks are taken with both gates in front. Each gate follows its own shift and scale.
# edit: shift1, scale1, gate1, shift2, scale2, gate2 = → gate1, gate2, shift1, scale1, shift2, scale2 =

# %% [dit.DiTBlock.forward] scale before shift for the attention
# hint: The attention's chunks are taken with the scale before the shift.
# edit: shift1, scale1, gate1, shift2, scale2, gate2 = → scale1, shift1, gate1, shift2, scale2, gate2 =

# %% [dit.DiTBlock.forward] scale before shift for the MLP
# hint: The MLP's chunks are taken with the scale before the shift.
# edit: shift1, scale1, gate1, shift2, scale2, gate2 = → shift1, scale1, gate1, scale2, shift2, gate2 =

# %% [dit.DiTBlock.forward] interleaved chunks
# hint: Every sixth number belongs to one chunk. The chunks are six blocks of dim numbers.
# edit: .chunk(6, dim=1) → .unflatten(1, (-1, 6)).unbind(2)

# %% [dit.DiTBlock.forward] chunks of the samples
# hint: The modulation is cut along the samples, and not along its channels.
# edit: .chunk(6, dim=1) → .chunk(6)

# %% [dit.DiTBlock.forward] three chunks
# hint: The modulation is cut into other than six pieces: six are wanted, three for the attention and three for the MLP.
# edit: .chunk(6, dim=1) → .chunk(3, dim=1)

# %% [dit.DiTBlock.forward] the attention's chunks for both
# hint: The MLP is modulated and gated by the attention's chunks; it has three of its own.
# edit: gate2[:, None] * self.mlp(modulate(self.norm2(x), shift2, scale2)) → gate1[:, None] * self.mlp(modulate(self.norm2(x), shift1, scale1))

# %% [dit.DiTBlock.forward] the MLP's chunks for both
# hint: The attention is modulated and gated by the MLP's chunks; it has three of its own.
# edit: gate1[:, None] * self.attention(modulate(self.norm1(x), shift1, scale1)) → gate2[:, None] * self.attention(modulate(self.norm1(x), shift2, scale2))

# %% [dit.DiTBlock.forward] the attention's shift and scale for both
# hint: The MLP's tokens are modulated by the attention's shift and scale.
# edit: self.norm2(x), shift2, scale2 → self.norm2(x), shift1, scale1

# %% [dit.DiTBlock.forward] the MLP's shift and scale for both
# hint: The attention's tokens are modulated by the MLP's shift and scale.
# edit: self.norm1(x), shift1, scale1 → self.norm1(x), shift2, scale2

# %% [dit.DiTBlock.forward] the attention's shift for both
# hint: The MLP's tokens get the attention's shift.
# edit: shift2, scale2) → shift1, scale2)

# %% [dit.DiTBlock.forward] the attention's scale for both
# hint: The MLP's tokens get the attention's scale.
# edit: shift2, scale2) → shift2, scale1)

# %% [dit.DiTBlock.forward] shifts and scales changed
# hint: The shift and scale of attention and MLP have changed places, and the gates have not.
# edit: self.norm1(x), shift1, scale1 → self.norm1(x), shift2, scale2
# edit: self.norm2(x), shift2, scale2 → self.norm2(x), shift1, scale1

# %% [dit.DiTBlock.forward] the gates changed
# hint: The gates have changed places: the MLP's chunks are the last three.
# edit: gate1[:, None] * self.attention → gate2[:, None] * self.attention
# edit: return x + gate2 → return x + gate1

# %% [dit.DiTBlock.forward] the attention's gate for both
# hint: The MLP is gated by the attention's gate.
# edit: return x + gate2 → return x + gate1

# %% [dit.DiTBlock.forward] the MLP's gate for both
# hint: The attention is gated by the MLP's gate.
# edit: x = x + gate1 → x = x + gate2

# %% [dit.DiTBlock.forward] no gate for the attention
# hint: The attention is added without its gate.
# edit: gate1[:, None] * self → self

# %% [dit.DiTBlock.forward] no gate for the MLP
# hint: The MLP's answer is added without its gate.
# edit: gate2[:, None] * self → self

# %% [dit.DiTBlock.forward] no gates
# hint: Neither branch is gated: where all gates are 0, a block should leave x as it is.
# edit: gate1[:, None] * self → self
# edit: gate2[:, None] * self → self

# %% [dit.DiTBlock.forward] gates that are 1 at 0
# hint: 1 is added to the gates, as modulate does with the scale. Where a gate is 0, its branch should say nothing.
# edit: gate1[:, None] → (1 + gate1[:, None])
# edit: gate2[:, None] → (1 + gate2[:, None])

# %% [dit.DiTBlock.forward] gates through a sigmoid
# hint: The gates go through a sigmoid, and are ½ where they should be 0.
# edit: gate1[:, None] → gate1[:, None].sigmoid()
# edit: gate2[:, None] → gate2[:, None].sigmoid()

# %% [dit.DiTBlock.forward] gates through a tanh
# hint: The gates go through a tanh. They are used as they are.
# edit: gate1[:, None] → gate1[:, None].tanh()
# edit: gate2[:, None] → gate2[:, None].tanh()

# %% [dit.DiTBlock.forward] gates on the sums
# hint: The gates multiply the sums of x and the branches: where they are 0, nothing is left of x.
# edit: x + gate1[:, None] * self.attention(modulate(self.norm1(x), shift1, scale1)) → gate1[:, None] * (x + self.attention(modulate(self.norm1(x), shift1, scale1)))
# edit: x + gate2[:, None] * self.mlp(modulate(self.norm2(x), shift2, scale2)) → gate2[:, None] * (x + self.mlp(modulate(self.norm2(x), shift2, scale2)))

# %% [dit.DiTBlock.forward] the attention's gate on the sum
# hint: The attention's gate multiplies x as well.
# edit: x + gate1[:, None] * self.attention(modulate(self.norm1(x), shift1, scale1)) → gate1[:, None] * (x + self.attention(modulate(self.norm1(x), shift1, scale1)))

# %% [dit.DiTBlock.forward] the MLP's gate on the sum
# hint: The MLP's gate multiplies x as well.
# edit: x + gate2[:, None] * self.mlp(modulate(self.norm2(x), shift2, scale2)) → gate2[:, None] * (x + self.mlp(modulate(self.norm2(x), shift2, scale2)))

# %% [dit.DiTBlock.forward] gates on the residuals
# hint: The gates multiply x and not the branches.
# edit: x + gate1[:, None] * self → gate1[:, None] * x + self
# edit: x + gate2[:, None] * self → gate2[:, None] * x + self

# %% [dit.DiTBlock.forward] gates mix x and the branch
# hint: x is weighted by 1 − gate, as in a gated recurrent unit. Here x stays whole and the gated branch is added.
# edit: x = x + gate1 → x = (1 - gate1[:, None]) * x + gate1
# edit: return x + gate2 → return (1 - gate2[:, None]) * x + gate2

# %% [dit.DiTBlock.forward] gates inside
# hint: The gates multiply what goes into the branches. They multiply what comes out.
# edit: gate1[:, None] * self.attention(modulate → self.attention(gate1[:, None] * modulate
# edit: gate2[:, None] * self.mlp(modulate → self.mlp(gate2[:, None] * modulate

# %% [dit.DiTBlock.forward] the attention's gate inside
# hint: The attention's gate multiplies what goes into the attention. It multiplies what comes out.
# edit: gate1[:, None] * self.attention(modulate → self.attention(gate1[:, None] * modulate

# %% [dit.DiTBlock.forward] the MLP's gate inside
# hint: The MLP's gate multiplies what goes into the MLP. It multiplies what comes out.
# edit: gate2[:, None] * self.mlp(modulate → self.mlp(gate2[:, None] * modulate

# %% [dit.DiTBlock.forward] gates added
# hint: The gates are added to the branches; they multiply.
# edit: gate1[:, None] * self → gate1[:, None] + self
# edit: gate2[:, None] * self → gate2[:, None] + self

# %% [dit.DiTBlock.forward] the branches taken away
# hint: The gated branches are taken away from x; they are added.
# edit: x + gate → x - gate

# %% [dit.DiTBlock.forward] no axis for the gates
# hint: A gate (b, dim) meets tokens (b, n, dim) from the right: its samples are taken for tokens.
# edit: [:, None] →

# %% [dit.DiTBlock.forward] no axis for the attention's gate
# hint: The attention's gate lacks an axis for the tokens: its samples are taken for them.
# edit: gate1[:, None] → gate1

# %% [dit.DiTBlock.forward] no axis for the MLP's gate
# hint: The MLP's gate lacks an axis for the tokens: its samples are taken for them.
# edit: gate2[:, None] → gate2

# %% [dit.DiTBlock.forward] the gates' axis at the end
# hint: The gates' new axis stands at the end, or they got two, as for images: their channels are taken for tokens.
# edit: [:, None] → [:, :, None]

# %% [dit.DiTBlock.forward] the first sample's gates
# hint: Every sample is gated by the first one's gates.
# edit: [:, None] → [:1, None]

# %% [dit.DiTBlock.forward] axes given before modulate
# hint: All chunks have an axis for the tokens already when modulate gets them; it gives that axis itself.
# edit: self.modulation(c).chunk(6, dim=1) → self.modulation(c)[:, None].chunk(6, dim=2)

# %% [dit.DiTBlock.forward] normed after the modulation
# hint: The tokens are modulated and then normed, which takes most of shift and scale away again.
# edit: modulate(self.norm1(x), shift1, scale1) → self.norm1(modulate(x, shift1, scale1))
# edit: modulate(self.norm2(x), shift2, scale2) → self.norm2(modulate(x, shift2, scale2))

# %% [dit.DiTBlock.forward] normed after the modulation for the attention
# hint: The attention's tokens are modulated and then normed. The norm comes first.
# edit: modulate(self.norm1(x), shift1, scale1) → self.norm1(modulate(x, shift1, scale1))

# %% [dit.DiTBlock.forward] normed after the modulation for the MLP
# hint: The MLP's tokens are modulated and then normed. The norm comes first.
# edit: modulate(self.norm2(x), shift2, scale2) → self.norm2(modulate(x, shift2, scale2))

# %% [dit.DiTBlock.forward] no norms
# hint: Neither branch norms its tokens.
# edit: self.norm1(x) → x
# edit: self.norm2(x) → x

# %% [dit.DiTBlock.forward] no norm for the attention
# hint: The attention's tokens are not normed.
# edit: self.norm1(x) → x

# %% [dit.DiTBlock.forward] no norm for the MLP
# hint: The MLP's tokens are not normed.
# edit: self.norm2(x) → x

# %% [dit.DiTBlock.forward] normed after the branches
# hint: The norms come after the sums, as in the first transformers. Here they come before each branch, and x itself is
# hint: never normed.
# edit: x = x + gate1[:, None] * self.attention(modulate(self.norm1(x), shift1, scale1)) → x = self.norm1(x + gate1[:, None] * self.attention(modulate(x, shift1, scale1)))
# edit: return x + gate2[:, None] * self.mlp(modulate(self.norm2(x), shift2, scale2)) → return self.norm2(x + gate2[:, None] * self.mlp(modulate(x, shift2, scale2)))

# %% [dit.DiTBlock.forward] the branches' answers normed
# hint: The norms come after attention and MLP. They come before.
# edit: self.attention(modulate(self.norm1(x), shift1, scale1)) → self.norm1(self.attention(modulate(x, shift1, scale1)))
# edit: self.mlp(modulate(self.norm2(x), shift2, scale2)) → self.norm2(self.mlp(modulate(x, shift2, scale2)))

# %% [dit.DiTBlock.forward] the answers modulated
# hint: What comes out of attention and MLP is modulated. Shift and scale act on what goes in.
# edit: self.attention(modulate(self.norm1(x), shift1, scale1)) → modulate(self.attention(self.norm1(x)), shift1, scale1)
# edit: self.mlp(modulate(self.norm2(x), shift2, scale2)) → modulate(self.mlp(self.norm2(x)), shift2, scale2)

# %% [dit.DiTBlock.forward] the attention's answer modulated
# hint: What comes out of the attention is modulated. Shift and scale act on what goes in.
# edit: self.attention(modulate(self.norm1(x), shift1, scale1)) → modulate(self.attention(self.norm1(x)), shift1, scale1)

# %% [dit.DiTBlock.forward] the MLP's answer modulated
# hint: What comes out of the MLP is modulated. Shift and scale act on what goes in.
# edit: self.mlp(modulate(self.norm2(x), shift2, scale2)) → modulate(self.mlp(self.norm2(x)), shift2, scale2)

# %% [dit.DiTBlock.forward] no modulation
# hint: Shift and scale are not used: the tokens are only normed.
# edit: modulate(self.norm1(x), shift1, scale1) → self.norm1(x)
# edit: modulate(self.norm2(x), shift2, scale2) → self.norm2(x)

# %% [dit.DiTBlock.forward] no modulation for the attention
# hint: The attention's tokens are not modulated.
# edit: modulate(self.norm1(x), shift1, scale1) → self.norm1(x)

# %% [dit.DiTBlock.forward] no modulation for the MLP
# hint: The MLP's tokens are not modulated.
# edit: modulate(self.norm2(x), shift2, scale2) → self.norm2(x)

# %% [dit.DiTBlock.forward] the 1 of the scale missing
# hint: The modulation is written out without the 1: where the scale is 0, all tokens of a sample become the same.
# edit: modulate(self.norm1(x), shift1, scale1) → self.norm1(x) * scale1[:, None] + shift1[:, None]
# edit: modulate(self.norm2(x), shift2, scale2) → self.norm2(x) * scale2[:, None] + shift2[:, None]

# %% [dit.DiTBlock.forward] no residuals
# hint: x is not added to either branch: where all gates are 0, nothing is left of it.
# edit: x = x + gate1 → x = gate1
# edit: return x + gate2 → return gate2

# %% [dit.DiTBlock.forward] no residual of the attention
# hint: x is not added to the attention's branch.
# edit: x = x + gate1 → x = gate1

# %% [dit.DiTBlock.forward] no residual of the MLP
# hint: x is not added to the MLP's branch.
# edit: return x + gate2 → return gate2

# %% [dit.DiTBlock.forward] the normed tokens as residuals
# hint: What is added to the branches is normed. x itself passes by.
# edit: x = x + gate1 → x = self.norm1(x) + gate1
# edit: return x + gate2 → return self.norm2(x) + gate2

# %% [dit.DiTBlock.forward] the normed tokens as the attention's residual
# hint: What is added to the attention's branch is normed. x itself passes by.
# edit: x = x + gate1 → x = self.norm1(x) + gate1

# %% [dit.DiTBlock.forward] the normed tokens as the MLP's residual
# hint: What is added to the MLP's branch is normed. x itself passes by.
# edit: return x + gate2 → return self.norm2(x) + gate2

# %% [dit.DiTBlock.forward] the modulated tokens as residuals
# hint: What is added to the branches is normed and modulated. x itself passes by.
# replace:
x = x + gate1[:, None] * self.attention(modulate(self.norm1(x), shift1, scale1))
return x + gate2[:, None] * self.mlp(modulate(self.norm2(x), shift2, scale2))
# by:
x = modulate(self.norm1(x), shift1, scale1)
x = x + gate1[:, None] * self.attention(x)
x = modulate(self.norm2(x), shift2, scale2)
return x + gate2[:, None] * self.mlp(x)

# %% [dit.DiTBlock.forward] both branches read the same x
# hint: Both branches read the block's x, and both are added to it. The MLP reads x after the attention.
# replace:
x = x + gate1[:, None] * self.attention(modulate(self.norm1(x), shift1, scale1))
return x + gate2[:, None] * self.mlp(modulate(self.norm2(x), shift2, scale2))
# by:
read = gate1[:, None] * self.attention(modulate(self.norm1(x), shift1, scale1))
return x + read + gate2[:, None] * self.mlp(modulate(self.norm2(x), shift2, scale2))

# %% [dit.DiTBlock.forward] the attention lost
# hint: The attention's branch does not reach the answer: the MLP reads x from before it, and is added to that.
# edit: x = x + gate1 → y = x + gate1

# %% [dit.DiTBlock.forward] the first x added at the end
# hint: The MLP's branch is added to x from before the attention.
# edit: x = x + gate1 → first, x = x, x + gate1
# edit: return x + gate2 → return first + gate2

# %% [dit.DiTBlock.forward] the MLP reads the attention's branch alone
# hint: The MLP reads what the attention said, without x.
# replace:
x = x + gate1[:, None] * self.attention(modulate(self.norm1(x), shift1, scale1))
return x + gate2[:, None] * self.mlp(modulate(self.norm2(x), shift2, scale2))
# by:
read = gate1[:, None] * self.attention(modulate(self.norm1(x), shift1, scale1))
return x + read + gate2[:, None] * self.mlp(modulate(self.norm2(read), shift2, scale2))

# %% [dit.DiTBlock.forward] one branch for both
# hint: The attention's answer goes through the MLP, and one sum is made at the end. There are two sums.
# replace:
x = x + gate1[:, None] * self.attention(modulate(self.norm1(x), shift1, scale1))
return x + gate2[:, None] * self.mlp(modulate(self.norm2(x), shift2, scale2))
# by:
read = gate1[:, None] * self.attention(modulate(self.norm1(x), shift1, scale1))
return x + gate2[:, None] * self.mlp(modulate(self.norm2(read), shift2, scale2))

# %% [dit.DiTBlock.forward] the MLP first
# hint: The MLP comes before the attention, with its chunks.
# replace:
x = x + gate1[:, None] * self.attention(modulate(self.norm1(x), shift1, scale1))
return x + gate2[:, None] * self.mlp(modulate(self.norm2(x), shift2, scale2))
# by:
x = x + gate2[:, None] * self.mlp(modulate(self.norm2(x), shift2, scale2))
return x + gate1[:, None] * self.attention(modulate(self.norm1(x), shift1, scale1))

# %% [dit.DiTBlock.forward] attention and MLP changed
# hint: The MLP stands where the attention should, and the attention where the MLP should.
# edit: self.attention(modulate(self.norm1 → self.other(modulate(self.norm1
# edit: self.mlp → self.attention
# edit: self.other → self.mlp

# %% [dit.DiTBlock.forward] the attention twice
# hint: The attention is used in the place of the MLP.
# edit: self.mlp → self.attention

# %% [dit.DiTBlock.forward] the MLP twice
# hint: The MLP is used in the place of the attention.
# edit: self.attention → self.mlp

# %% [dit.DiTBlock.forward] without the MLP
# hint: The MLP's branch is missing.
# edit: x + gate2[:, None] * self.mlp(modulate(self.norm2(x), shift2, scale2)) → x

# %% [dit.DiTBlock.forward] the MLP's layers left out
# hint: The modulated tokens are gated and added: what should happen to them between?
# edit: self.mlp(modulate(self.norm2(x), shift2, scale2)) → modulate(self.norm2(x), shift2, scale2)

# %% [dit.DiTBlock.forward] activated twice
# hint: c goes through an activation before self.modulation, which begins with one.
# edit: self.modulation(c) → self.modulation(F.silu(c))

# %% [dit.DiTBlock.forward] not activated
# hint: Only the last layer of self.modulation is used; its activation is left out.
# edit: self.modulation(c) → self.modulation[-1](c)

# %% [dit.DiTBlock.forward] c added to x
# hint: c is added to the tokens as well. It acts through the modulation alone.
# edit: x = x + gate1 → x = x + c[:, None]; x = x + gate1

# %% [dit.DiTBlock.forward] the modulation of x
# hint: The chunks are made of the tokens. They are made of c.
# edit: self.modulation(c) → self.modulation(x.mean(dim=1))

# %% [dit.DiTBlock.forward] c given without its chunks
# hint: modulate is given c itself, which is no shift and no scale: self.modulation makes them of c.
# edit: shift1, scale1) → c, c)
# edit: shift2, scale2) → c, c)

# %% [dit.DiTBlock.forward] the mean of the batch's c
# hint: All samples share one c, the mean: every sample has its own time and class.
# edit: self.modulation(c) → self.modulation(c.mean(dim=0, keepdim=True).expand(len(c), -1))

# %% [dit.DiTBlock.forward] c cut off
# hint: c has no gradient (it is detached, or its chunks are): the layers that embed time and class would not learn.
# edit: self.modulation(c) → self.modulation(c.detach())

# %% [dit.DiTBlock.forward] x cut off
# hint: x has no gradient: no block before this one would learn.
# edit: x = x + gate1 → x = x.detach(); x = x + gate1

# %% [dit.DiTBlock.forward] written into x
# hint: The tokens of the caller are changed: `+=` writes into them.
# edit: x = x + gate1 → x += gate1

# %% [dit.DiTBlock.forward] a norm with weights of its own
# hint: A fresh norm is made, without the class's eps: use self.norm1 and self.norm2.
# edit: self.norm1(x) → F.layer_norm(x, x.shape[-1:], eps=0.1)
# edit: self.norm2(x) → F.layer_norm(x, x.shape[-1:], eps=0.1)

# %% [dit.DiTBlock.forward] a pair
# hint: A tuple comes back; the tokens alone are wanted.
# edit: shift2, scale2)) → shift2, scale2)), c

# %% [dit.DiTBlock.forward] the change returned
# hint: What comes back is the sum of both branches without x.
# edit: x = x + gate1 → first = x; x = x + gate1
# edit: return x + gate2[:, None] * self.mlp(modulate(self.norm2(x), shift2, scale2)) → return x + gate2[:, None] * self.mlp(modulate(self.norm2(x), shift2, scale2)) - first

# %% [dit.DiTBlock.forward] nothing returned
# hint: Nothing comes back: a `return` is missing.
# edit: return x → x = x

# ---- dit.adaln_zero_init ---------------------------------------------------------------------------------------------

# %% [dit.adaln_zero_init] only weights
# hint: The weights are 0 and the biases are not: shifts, scales and gates are then constants, but not 0.
# edit: nn.init.zeros_(layer.bias) →

# %% [dit.adaln_zero_init] only biases
# hint: The biases are 0 and the weights are not, so that c still opens the gates.
# edit: nn.init.zeros_(layer.weight) →

# %% [dit.adaln_zero_init] without the head
# hint: The head keeps its weights: the answer is not 0.
# edit: layers += [m.head for m in modules if hasattr(m, "head")] →

# %% [dit.adaln_zero_init] the head alone
# hint: The modulations keep their weights: a block is not the identity. (Modules of any class may have a modulation: ask
# hint: each whether it does, and not of what class it is.)
# edit: layers = [m.modulation[-1] for m in modules if hasattr(m, "modulation")] → layers = []

# %% [dit.adaln_zero_init] only the head's weights
# hint: The head keeps its bias: the answer is a constant, but not 0.
# edit: nn.init.zeros_(layer.bias) → nn.init.zeros_(layer.bias) if len(layer.weight) % 3 == 0 else None

# %% [dit.adaln_zero_init] only the modulations' weights
# hint: The modulations keep their biases: the gates are constants, but not 0.
# edit: nn.init.zeros_(layer.bias) → nn.init.zeros_(layer.bias) if len(layer.weight) % 3 else None

# %% [dit.adaln_zero_init] every layer of the modulation
# hint: All linear layers of a modulation are 0. With two in a row at 0, neither would ever learn: only the last one is.
# edit: layers = [m.modulation[-1] for m in modules if hasattr(m, "modulation")] → layers = [p for m in modules if hasattr(m, "modulation") for p in m.modulation if isinstance(p, nn.Linear)]

# %% [dit.adaln_zero_init] the second layer of a modulation
# hint: The layer after the activation is taken, which is the last one only where the modulation is short.
# edit: m.modulation[-1] → m.modulation[1]

# %% [dit.adaln_zero_init] the first layer of a modulation
# hint: The first layer of a modulation is its activation, and that has no weights. Which layer makes the chunks?
# edit: m.modulation[-1] → m.modulation[0]

# %% [dit.adaln_zero_init] the modulation for a layer
# hint: `.modulation` is a sequence of layers. Which of them makes the chunks?
# edit: m.modulation[-1] → m.modulation

# %% [dit.adaln_zero_init] all linear layers
# hint: Every linear layer is 0, the attention's and the MLP's as well. Then hardly anything could learn, since both
# hint: factors of a gate's product are 0. Only what closes the gates and what answers is 0.
# edit: hasattr(m, "modulation")] → hasattr(m, "modulation")] + [m for m in modules if isinstance(m, nn.Linear)]

# %% [dit.adaln_zero_init] all parameters
# hint: Every parameter of the network is 0, the norms' too. Then hardly anything could learn, since both factors of a
# hint: gate's product are 0.
# replace:
for layer in layers:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
# by:
for p in model.parameters():
    nn.init.zeros_(p)

# %% [dit.adaln_zero_init] all biases
# hint: The biases of all linear layers are 0: those of the others are none of this function's business.
# edit: nn.init.zeros_(layer.bias) → [nn.init.zeros_(m.bias) for m in modules if isinstance(m, nn.Linear)]

# %% [dit.adaln_zero_init] children without the network
# hint: `children()` are only what lies directly in the network: the list of the blocks is among them, and the blocks are
# hint: not. The network itself is not among them either.
# edit: modules = list(model.modules()) → modules = list(model.children())

# %% [dit.adaln_zero_init] children only
# hint: Only what lies directly in the network is visited. Blocks lie in a list, or deeper.
# edit: modules = list(model.modules()) → modules = [model, *model.children()]

# %% [dit.adaln_zero_init] the network itself left out
# hint: What lies inside the network is visited, and the network itself is not: it may have a modulation and a head too.
# edit: modules = list(model.modules()) → modules = list(model.modules())[1:]

# %% [dit.adaln_zero_init] the network itself only
# hint: Only the network itself is visited: its blocks have modulations as well.
# edit: modules = list(model.modules()) → modules = [model]

# %% [dit.adaln_zero_init] the blocks only
# hint: The blocks' modulations are 0, and the network's own, before its head, is not.
# edit: layers = [m.modulation[-1] for m in modules if hasattr(m, "modulation")] → layers = [m.modulation[-1] for m in modules if hasattr(m, "modulation") and not hasattr(m, "head")]

# %% [dit.adaln_zero_init] the network's own modulation only
# hint: The modulation before the head is 0, and those of the blocks are not.
# edit: if hasattr(m, "modulation")] → if hasattr(m, "modulation") and hasattr(m, "head")]

# %% [dit.adaln_zero_init] blocks by their name
# hint: The network is taken to have `.blocks`, `.modulation` and `.head` of its own. Any module inside may have them, at
# hint: any depth: ask each whether it does.
# edit: modules = list(model.modules()) → modules = [model, *model.blocks]

# %% [dit.adaln_zero_init] every module asked for both
# hint: Every module is asked for a modulation or a head, and most have none: look first whether it is there.
# edit: if hasattr(m, "modulation")] → ]

# %% [dit.adaln_zero_init] the network's own head alone
# hint: The head is looked for in the network itself. It may lie deeper.
# edit: [m.head for m in modules if hasattr(m, "head")] → [m.head for m in [model] if hasattr(m, "head")]

# %% [dit.adaln_zero_init] either modulation or head
# hint: A module that has both a modulation and a head gets only one of them set: an `elif` skips the other.
# edit: m.head for m in modules if hasattr(m, "head") → m.head for m in modules if hasattr(m, "head") and not hasattr(m, "modulation")

# %% [dit.adaln_zero_init] the first one found
# hint: One layer is set and the others are not: the loop ends too early.
# edit: for layer in layers: → for layer in layers[:1]:

# %% [dit.adaln_zero_init] the last one found
# hint: Only the last layer that was found is set: what comes after the loop sees one alone.
# edit: for layer in layers: → for layer in layers[-1:]:

# %% [dit.adaln_zero_init] the first block only
# hint: The first modulation that was found is set, and those of other blocks are not.
# edit: if hasattr(m, "modulation")] → if hasattr(m, "modulation")][:1]

# %% [dit.adaln_zero_init] by parts of names
# hint: Layers are chosen by a part of their name, and others have it in theirs too (or a longer modulation is set as a
# hint: whole). Ask a module for its attribute.
# replace:
for layer in layers:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
# by:
for name, p in model.named_parameters():
    if "modulation" in name or "head" in name:
        nn.init.zeros_(p)

# %% [dit.adaln_zero_init] by parts of the heads' names
# hint: The head is chosen by a part of its name, and another layer has that in its name too. Ask a module for its
# hint: attribute.
# edit: [m.head for m in modules if hasattr(m, "head")] → [m for name, m in model.named_modules() if name.endswith("head")]

# %% [dit.adaln_zero_init] only the gates
# hint: Only the gates' rows are 0. The shifts and scales start at 0 as well: the whole layer does.
# replace:
for layer in layers:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
# by:
for layer in layers:
    for p in (layer.weight, layer.bias):
        rows = p.data.chunk(6) if len(p) == 18 else [p.data] if len(p) in (2, 5) else []
        for row in rows[2::3] if len(p) == 18 else rows:
            row.zero_()

# %% [dit.adaln_zero_init] rows 2 and 5 of six
# hint: In every modulation the third and the last sixth are 0, the gates of a block. The shifts and scales start at 0 as
# hint: well: the whole layer does.
# replace:
for layer in layers:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
# by:
for layer in layers:
    for p in (layer.weight, layer.bias):
        for row in p.data.chunk(6)[2::3] if len(p) % 6 == 0 else [p.data]:
            row.zero_()

# %% [dit.adaln_zero_init] the gates' weights
# hint: Only the weights of the gates' rows are 0. The whole layer, with its bias, is 0.
# replace:
for layer in layers:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
# by:
for layer in layers:
    for part in layer.weight.data.chunk(6)[2::3]:
        part.zero_()

# %% [dit.adaln_zero_init] ones
# hint: The layers are set to 1: every gate would be open.
# edit: zeros_ → ones_

# %% [dit.adaln_zero_init] biases of 1
# hint: The biases are set to 1, so that the gates are open at first.
# edit: nn.init.zeros_(layer.bias) → nn.init.ones_(layer.bias)

# %% [dit.adaln_zero_init] nearly 0
# hint: The weights are small and not 0: a block is nearly the identity. (2% is the start of the other layers.)
# edit: nn.init.zeros_(layer.weight) → nn.init.constant_(layer.weight, 0.02)

# %% [dit.adaln_zero_init] halved
# hint: The weights are made smaller and not 0.
# replace:
for layer in layers:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
# by:
for layer in layers:
    layer.weight.data *= 0.5
    layer.bias.data *= 0.5

# %% [dit.adaln_zero_init] new parameters
# hint: The parameters are new ones, or the layers are. An optimizer that holds the old ones would train those: write 0
# hint: into what is there.
# edit: nn.init.zeros_(layer.weight) → layer.weight = nn.Parameter(torch.zeros_like(layer.weight))
# edit: nn.init.zeros_(layer.bias) → layer.bias = nn.Parameter(torch.zeros_like(layer.bias))

# %% [dit.adaln_zero_init] the biases taken away
# hint: The layers lose their biases: they could never learn one again. A bias of 0 is still a parameter.
# edit: nn.init.zeros_(layer.bias) → layer.bias = None

# %% [dit.adaln_zero_init] a tensor for a parameter
# hint: A parameter is replaced by something that is none: torch refuses that. Write into the one that is there.
# edit: nn.init.zeros_(layer.weight) → layer.weight = torch.zeros_like(layer.weight)

# %% [dit.adaln_zero_init] the head indexed
# hint: `.head` is one layer, not a sequence of them, and so are most others: it is `.modulation` that ends in a layer.
# edit: m.head for m → m.head[-1] for m

# %% [dit.adaln_zero_init] written into while gradients are recorded
# hint: torch records gradients of parameters, and what is recorded is not written into. Switch that off for the moment, or
# hint: use a function that does.
# edit: nn.init.zeros_(layer.weight) → layer.weight.zero_()

# %% [dit.adaln_zero_init] frozen
# hint: Some parameters do not ask for gradients any more: they are to start at 0 and then to learn. Switch gradients off
# hint: for the moment of writing, and not for good.
# edit: nn.init.zeros_(layer.bias) → nn.init.zeros_(layer.bias); layer.requires_grad_(False)

# %% [dit.adaln_zero_init] a name for nothing
# hint: No weight of the network changes: what is set to 0 is a variable of a loop, a copy, a gradient, or nothing at all
# hint: (an attribute that no module has).
# edit: nn.init.zeros_(layer.weight) → layer = None
# edit: nn.init.zeros_(layer.bias) → pass

# %% [dit.adaln_zero_init] the last layers of the MLPs
# hint: The MLPs are changed as well: a gate at 0 closes their branch already, and with both at 0 neither learns.
# edit: layers += [m.head → layers += [m.mlp for m in modules if hasattr(m, "mlp")] + [m.head

# %% [dit.adaln_zero_init] the last layers of attention and MLP
# hint: The last layers of attention and MLP are 0 as well: a gate at 0 closes their branch already, and with both at 0
# hint: neither learns.
# edit: layers += [m.head → layers += [getattr(m, name) for m in modules for name in ("mlp", "out") if hasattr(m, name)] + [m.head

# %% [dit.adaln_zero_init] the first layer of the network
# hint: The embedding of the patches is 0 as well: then every token is the same, whatever the image.
# edit: layers += [m.head → layers += [m.embed for m in modules if hasattr(m, "embed")] + [m.head

# %% [dit.adaln_zero_init] the norms
# hint: The norms' weights are 0 as well. They are no part of the modulation.
# edit: layers += [m.head → layers += [m for m in modules if isinstance(m, nn.LayerNorm)] + [m.head

# ---- dit.joint_attention ---------------------------------------------------------------------------------------------

# %% [dit.joint_attention] each stream sees itself only
# hint: Each stream looks at its own tokens only: picture and text never meet. Every query meets the keys of both.
# replace:
n = x.shape[1]
qkv = torch.cat([qkv_x(x), qkv_context(context)], dim=1)  # (b, n + m, 3d)
q, k, v = (part.unflatten(2, (heads, -1)).transpose(1, 2) for part in qkv.chunk(3, dim=2))
weights = (q @ k.mT / q.shape[-1] ** 0.5).softmax(dim=-1)  # (b, heads, n + m, n + m)
out = (weights @ v).transpose(1, 2).flatten(2)
return out_x(out[:, :n]), out_context(out[:, n:])
# by:
def alone(qkv):
    q, k, v = (part.unflatten(2, (heads, -1)).transpose(1, 2) for part in qkv.chunk(3, dim=2))
    return ((q @ k.mT / q.shape[-1] ** 0.5).softmax(dim=-1) @ v).transpose(1, 2).flatten(2)

return out_x(alone(qkv_x(x))), out_context(alone(qkv_context(context)))

# %% [dit.joint_attention] each stream sees the other only
# hint: Each stream looks at the other's tokens only. Its own are among the keys as well.
# edit: (q @ k.mT / q.shape[-1] ** 0.5) → (q @ k.mT / q.shape[-1] ** 0.5).masked_fill((torch.arange(q.shape[2]) < n)[:, None] == (torch.arange(q.shape[2]) < n), -torch.inf)

# %% [dit.joint_attention] the text sees itself only
# hint: The text looks at its own tokens only. In joint attention it reads the picture as well.
# edit: (q @ k.mT / q.shape[-1] ** 0.5) → (q @ k.mT / q.shape[-1] ** 0.5).masked_fill((torch.arange(q.shape[2]) >= n)[:, None] & (torch.arange(q.shape[2]) < n), -torch.inf)

# %% [dit.joint_attention] the picture sees itself only
# hint: The picture looks at its own tokens only, and never reads the text.
# edit: (q @ k.mT / q.shape[-1] ** 0.5) → (q @ k.mT / q.shape[-1] ** 0.5).masked_fill((torch.arange(q.shape[2]) < n)[:, None] & (torch.arange(q.shape[2]) >= n), -torch.inf)

# %% [dit.joint_attention] keys and values of the text only
# hint: All queries meet the keys of the text alone, as in cross-attention. The picture's keys belong to them.
# edit: weights = ( → k, v = k[:, :, n:], v[:, :, n:]; weights = (

# %% [dit.joint_attention] keys and values of the picture only
# hint: All queries meet the keys of the picture alone. The text's belong to them.
# edit: weights = ( → k, v = k[:, :, :n], v[:, :, :n]; weights = (

# %% [dit.joint_attention] the picture reads the text, the text stays
# hint: The text does not go through the attention: it comes back as it came, or after its layer alone.
# edit: out_context(out[:, n:]) → context

# %% [dit.joint_attention] the picture stays
# hint: The picture does not go through the attention: it comes back as it came.
# edit: return out_x(out[:, :n]) → return x

# %% [dit.joint_attention] the picture's projections for both
# hint: The text's queries, keys and values are made by the picture's layer. Each stream has its own.
# edit: qkv_context(context) → qkv_x(context)

# %% [dit.joint_attention] the text's projections for both
# hint: The picture's queries, keys and values are made by the text's layer. Each stream has its own.
# edit: qkv_x(x) → qkv_context(x)

# %% [dit.joint_attention] the projections changed
# hint: The two first layers have changed places.
# edit: qkv_x(x), qkv_context(context) → qkv_context(x), qkv_x(context)

# %% [dit.joint_attention] the first layer left out
# hint: The tokens are used as they are, without the layers that make queries, keys and values.
# edit: qkv_x(x), qkv_context(context) → torch.cat([x, x, x], dim=2), torch.cat([context, context, context], dim=2)

# %% [dit.joint_attention] the last layers changed
# hint: The two last layers have changed places.
# edit: out_x(out[:, :n]), out_context(out[:, n:]) → out_context(out[:, :n]), out_x(out[:, n:])

# %% [dit.joint_attention] the picture's last layer for both
# hint: The text goes through the picture's last layer. Each stream has its own.
# edit: out_context(out → out_x(out

# %% [dit.joint_attention] the text's last layer for both
# hint: The picture goes through the text's last layer. Each stream has its own.
# edit: out_x(out → out_context(out

# %% [dit.joint_attention] no last layers
# hint: The last layers are missing: the heads were never mixed.
# edit: out_x(out[:, :n]), out_context(out[:, n:]) → out[:, :n], out[:, n:]

# %% [dit.joint_attention] no last layer for the picture
# hint: The picture's last layer is missing.
# edit: out_x(out[:, :n]) → out[:, :n]

# %% [dit.joint_attention] no last layer for the text
# hint: The text's last layer is missing.
# edit: out_context(out[:, n:]) → out[:, n:]

# %% [dit.joint_attention] split at m
# hint: The answer is split after as many tokens as the text has. The picture stands in front: how many tokens has it?
# edit: n = x.shape[1] → n = context.shape[1]

# %% [dit.joint_attention] split in the middle
# hint: The answer is split in the middle. The streams need not be equally long.
# edit: n = x.shape[1] → n = (x.shape[1] + context.shape[1]) // 2

# %% [dit.joint_attention] context first and split at n
# hint: The text's queries stand in front, and the answer is split as if the picture's did.
# edit: [qkv_x(x), qkv_context(context)] → [qkv_context(context), qkv_x(x)]

# %% [dit.joint_attention] context first and returned first
# hint: The text comes back first, through the picture's last layer: its tokens stand in front, and the answer is split at
# hint: their number.
# edit: n = x.shape[1] → n = context.shape[1]
# edit: [qkv_x(x), qkv_context(context)] → [qkv_context(context), qkv_x(x)]

# %% [dit.joint_attention] returned the other way round
# hint: The text comes back first. The picture is first, as among the arguments.
# edit: return out_x(out[:, :n]), out_context(out[:, n:]) → return out_context(out[:, n:]), out_x(out[:, :n])

# %% [dit.joint_attention] the last tokens for the picture
# hint: The picture's part is taken from the end. What was put together first comes out first.
# edit: out[:, :n] → out[:, -n:]

# %% [dit.joint_attention] the first tokens for the text
# hint: The text's part is taken from the front. What was put together last comes out last.
# edit: out[:, n:] → out[:, :len(context[0])]

# %% [dit.joint_attention] values in another order than keys
# hint: Keys and values are put together in different orders: a key's weight meets the value of another token.
# edit: weights = ( → v = torch.cat([v[:, :, n:], v[:, :, :n]], dim=2); weights = (

# %% [dit.joint_attention] the picture only
# hint: One tensor comes back: the picture's. The text's is wanted too.
# edit: return out_x(out[:, :n]), out_context(out[:, n:]) → return out_x(out[:, :n])

# %% [dit.joint_attention] not split
# hint: The tokens of both streams come back as one tensor. Each stream is returned apart.
# edit: return out_x(out[:, :n]), out_context(out[:, n:]) → return out_x(out)

# %% [dit.joint_attention] nothing returned
# hint: Nothing comes back: a `return` is missing.
# edit: return out_x(out[:, :n]), out_context(out[:, n:]) → out = out_x(out[:, :n]), out_context(out[:, n:])

# %% [dit.joint_attention] the weights as well
# hint: Other than two things come back: x and context are wanted.
# edit: out_context(out[:, n:]) → out_context(out[:, n:]), weights

# %% [dit.joint_attention] put together along the channels
# hint: The streams are put together along another axis than the tokens'. Samples and channels are the same for both;
# hint: the numbers of their tokens differ.
# edit: qkv_context(context)], dim=1) → qkv_context(context)], dim=2)

# %% [dit.joint_attention] queries and keys changed
# hint: The first third is taken for keys and the second for queries. The order is queries, keys, values.
# edit: q, k, v = → k, q, v =

# %% [dit.joint_attention] keys and values changed
# hint: The second third is taken for values and the last for keys. The order is queries, keys, values.
# edit: q, k, v = → q, v, k =

# %% [dit.joint_attention] queries and values changed
# hint: The first third is taken for values and the last for queries. The order is queries, keys, values.
# edit: q, k, v = → v, k, q =

# %% [dit.joint_attention] values, queries, keys
# hint: The thirds are taken as values, queries, keys. The order is queries, keys, values.
# edit: q, k, v = → v, q, k =

# %% [dit.joint_attention] keys, values, queries
# hint: The thirds are taken as keys, values, queries. The order is queries, keys, values.
# edit: q, k, v = → k, v, q =

# %% [dit.joint_attention] queries, keys and values head by head
# hint: The 3d numbers are cut into heads first, and each head into queries, keys and values. First come all queries, then
# hint: all keys, then all values.
# edit: (part.unflatten(2, (heads, -1)).transpose(1, 2) for part in qkv.chunk(3, dim=2)) → qkv.unflatten(2, (heads, 3, -1)).permute(3, 0, 2, 1, 4)

# %% [dit.joint_attention] every third number
# hint: Every third number is taken for a query, key or value. They are three blocks of d numbers.
# edit: for part in qkv.chunk(3, dim=2) → for part in qkv.unflatten(2, (-1, 3)).unbind(3)

# %% [dit.joint_attention] thirds of the tokens
# hint: Queries, keys and values are cut along the tokens, or along the batch. Each token has all three.
# edit: qkv.chunk(3, dim=2) → qkv.chunk(3, dim=1)

# %% [dit.joint_attention] thirds of the batch
# hint: Queries, keys and values are cut along the batch. Every token of every sample has all three.
# edit: qkv.chunk(3, dim=2) → qkv.chunk(3)

# %% [dit.joint_attention] interleaved heads
# hint: Every heads-th number belongs to one head. A head is a block of numbers side by side.
# edit: unflatten(2, (heads, -1)).transpose(1, 2) for → unflatten(2, (-1, heads)).permute(0, 3, 1, 2) for

# %% [dit.joint_attention] interleaved heads, there and back
# hint: Every heads-th number belongs to one head, on the way in and out. A head is a block of numbers side by side.
# edit: unflatten(2, (heads, -1)).transpose(1, 2) for → unflatten(2, (-1, heads)).permute(0, 3, 1, 2) for
# edit: (weights @ v).transpose(1, 2).flatten(2) → (weights @ v).permute(0, 2, 3, 1).flatten(2)

# %% [dit.joint_attention] heads by a reshape alone
# hint: A reshape to (b, heads, tokens, …) takes the numbers in the order in which they lie: each head gets whole tokens and
# hint: not a block of every token's numbers.
# edit: part.unflatten(2, (heads, -1)).transpose(1, 2) → part.reshape(len(part), heads, part.shape[1], -1)

# %% [dit.joint_attention] heads by a reshape, there and back
# hint: The heads are made and put together by reshapes alone, so that each head gets whole tokens, not a block of every
# hint: token's numbers.
# edit: part.unflatten(2, (heads, -1)).transpose(1, 2) → part.reshape(len(part), heads, part.shape[1], -1)
# edit: (weights @ v).transpose(1, 2).flatten(2) → (weights @ v).reshape(len(x), qkv.shape[1], -1)

# %% [dit.joint_attention] put together without a transposition
# hint: At the end the heads still come before the tokens, and a reshape puts them together in that order. A token's heads
# hint: belong side by side.
# edit: (weights @ v).transpose(1, 2).flatten(2) → (weights @ v).reshape(len(x), qkv.shape[1], -1)

# %% [dit.joint_attention] a view of what is not in order
# hint: After a transposition the numbers do not lie in the order of their axes, and `view` needs them so. What makes a new
# hint: tensor where it must?
# edit: (weights @ v).transpose(1, 2).flatten(2) → (weights @ v).transpose(1, 2).view(len(x), qkv.shape[1], -1)

# %% [dit.joint_attention] heads between the tokens
# hint: Heads and tokens were not changed back, so that the last layers get other tokens than they should.
# edit: (weights @ v).transpose(1, 2).flatten(2) → (weights @ v).flatten(2)

# %% [dit.joint_attention] heads kept apart
# hint: The heads are not put together: the last layers get a block of d/heads numbers.
# edit: (weights @ v).transpose(1, 2).flatten(2) → (weights @ v).transpose(1, 2)

# %% [dit.joint_attention] heads averaged
# hint: The heads are averaged. Their numbers belong side by side.
# edit: (weights @ v).transpose(1, 2).flatten(2) → (weights @ v).mean(1).repeat(1, 1, heads)

# %% [dit.joint_attention] heads summed
# hint: The heads are summed. Their numbers belong side by side.
# edit: (weights @ v).transpose(1, 2).flatten(2) → (weights @ v).sum(1).repeat(1, 1, heads)

# %% [dit.joint_attention] one head
# hint: All numbers are one head: `heads` does nothing.
# edit: (heads, -1) → (1, -1)

# %% [dit.joint_attention] attention among the heads
# hint: Heads and tokens have not changed places, so that a token's heads look at each other, and no token at another.
# edit: part.unflatten(2, (heads, -1)).transpose(1, 2) for → part.unflatten(2, (heads, -1)) for
# edit: (weights @ v).transpose(1, 2).flatten(2) → (weights @ v).flatten(2)

# %% [dit.joint_attention] the root of all channels
# hint: The scores are divided by the root of d. A head's scores are sums over the numbers of that head.
# edit: q.shape[-1] ** 0.5 → x.shape[-1] ** 0.5

# %% [dit.joint_attention] divided without a root
# hint: The scores are divided by the number of a head's numbers: a root is missing, or they are scaled twice, by a
# hint: function of torch's as well.
# edit: / q.shape[-1] ** 0.5 → / q.shape[-1]

# %% [dit.joint_attention] not scaled
# hint: The scores are not scaled: their size grows with a head's numbers.
# edit: / q.shape[-1] ** 0.5 →

# %% [dit.joint_attention] multiplied by the root
# hint: The scores are multiplied by the root.
# edit: k.mT / q → k.mT * q

# %% [dit.joint_attention] the root of the number of heads
# hint: The scores are divided by the root of the number of heads.
# edit: q.shape[-1] ** 0.5 → heads**0.5

# %% [dit.joint_attention] the root of the number of tokens
# hint: The scores are divided by the root of the number of tokens.
# edit: q.shape[-1] ** 0.5 → q.shape[2] ** 0.5

# %% [dit.joint_attention] the root of the picture's tokens
# hint: The scores are divided by the root of the number of the picture's tokens.
# edit: q.shape[-1] ** 0.5 → n**0.5

# %% [dit.joint_attention] the root of three times the channels
# hint: The scores are divided by the root of 3d, before the cut into queries, keys and values.
# edit: q.shape[-1] ** 0.5 → qkv.shape[-1] ** 0.5

# %% [dit.joint_attention] scaled after the softmax
# hint: The weights are divided by the root after the softmax, so that they do not sum to 1. The scores are scaled.
# edit: (q @ k.mT / q.shape[-1] ** 0.5).softmax(dim=-1) → (q @ k.mT).softmax(dim=-1) / q.shape[-1] ** 0.5

# %% [dit.joint_attention] a softmax over the queries
# hint: The softmax goes over the queries: the weights of a *key* sum to 1. Whose weights should?
# edit: softmax(dim=-1) → softmax(dim=-2)

# %% [dit.joint_attention] a softmax over the heads
# hint: The softmax goes over the heads.
# edit: softmax(dim=-1) → softmax(dim=1)

# %% [dit.joint_attention] a softmax over the batch
# hint: The softmax goes over the batch, so that one sample's text decides another's picture.
# edit: softmax(dim=-1) → softmax(dim=0)

# %% [dit.joint_attention] two softmaxes
# hint: The keys of the picture and those of the text have a softmax each, and a query's weights sum to 2. All keys share
# hint: one.
# edit: weights = (q @ k.mT / q.shape[-1] ** 0.5).softmax(dim=-1) → scores = q @ k.mT / q.shape[-1] ** 0.5; weights = torch.cat([scores[..., :n].softmax(dim=-1), scores[..., n:].softmax(dim=-1)], dim=-1)

# %% [dit.joint_attention] two softmaxes, averaged
# hint: The keys of the picture and those of the text have a softmax each, and the answers are averaged. All keys share
# hint: one softmax: which stream is read more is learned.
# edit: weights = (q @ k.mT / q.shape[-1] ** 0.5).softmax(dim=-1) → scores = q @ k.mT / q.shape[-1] ** 0.5; weights = torch.cat([scores[..., :n].softmax(dim=-1), scores[..., n:].softmax(dim=-1)], dim=-1) / 2

# %% [dit.joint_attention] no softmax
# hint: The scores themselves are the weights: a softmax is missing.
# edit: .softmax(dim=-1) →

# %% [dit.joint_attention] a softmax twice
# hint: The softmax is taken twice: its weights go through it again.
# edit: .softmax(dim=-1) → .softmax(dim=-1).softmax(dim=-1)

# %% [dit.joint_attention] exponentials not divided
# hint: The exponentials are not divided by their sum.
# edit: .softmax(dim=-1) → .exp()

# %% [dit.joint_attention] exponentials that overflow
# hint: The formula is right, but exponentials of large scores are infinite in float32. A softmax does not change where a
# hint: row's largest score is taken away first.
# edit: weights = (q @ k.mT / q.shape[-1] ** 0.5).softmax(dim=-1) → e = (q @ k.mT / q.shape[-1] ** 0.5).exp(); weights = e / e.sum(dim=-1, keepdim=True)

# %% [dit.joint_attention] a sigmoid
# hint: Each key gets a weight of its own by a sigmoid; they do not sum to 1.
# edit: .softmax(dim=-1) → .sigmoid()

# %% [dit.joint_attention] the largest score alone
# hint: Every token reads its best key alone. Attention takes a weighted mean.
# edit: .softmax(dim=-1) → .mul(1e4).softmax(dim=-1)

# %% [dit.joint_attention] the mean of all tokens
# hint: Every key has the same weight: queries and keys do nothing.
# edit: / q.shape[-1] ** 0.5 → * 0

# %% [dit.joint_attention] in order of time
# hint: A token looks at no later one: there is a causal mask. Neither picture nor joint attention has one.
# edit: (q @ k.mT / q.shape[-1] ** 0.5) → (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(torch.ones(q.shape[2], q.shape[2]).triu(1).bool(), -torch.inf)

# %% [dit.joint_attention] the keys not transposed
# hint: A product of matrices does not fit: every query is compared with every key, (tokens, d/heads) with (d/heads,
# hint: tokens).
# edit: k.mT → k

# %% [dit.joint_attention] the keys averaged
# hint: What is averaged by the weights are the keys, not the values.
# edit: weights @ v → weights @ k

# %% [dit.joint_attention] the queries averaged
# hint: What is averaged by the weights are the queries, not the values.
# edit: weights @ v → weights @ q

# %% [dit.joint_attention] queries compared with queries
# hint: The queries are compared with the queries; the keys are not used.
# edit: q @ k.mT → q @ q.mT

# %% [dit.joint_attention] the weights transposed
# hint: The values meet the weights of the wrong side: a value's weights and not a query's.
# edit: weights @ v → weights.mT @ v

# %% [dit.joint_attention] a residual of both
# hint: x and context are added. The sum is the block's business, with a gate: not this function's.
# edit: out_x(out[:, :n]), out_context(out[:, n:]) → x + out_x(out[:, :n]), context + out_context(out[:, n:])

# %% [dit.joint_attention] a residual of the picture
# hint: x is added to the picture's answer. The sum is the block's business: not this function's.
# edit: return out_x → return x + out_x

# %% [dit.joint_attention] a residual of the text
# hint: context is added to the text's answer. The sum is the block's business: not this function's.
# edit: , out_context(out → , context + out_context(out

# %% [dit.joint_attention] normed queries and keys
# hint: Queries and keys are normed, as larger models do. (5) does not norm them.
# edit: weights = ( → q, k = F.normalize(q, dim=-1), F.normalize(k, dim=-1); weights = (

# %% [dit.joint_attention] normed tokens
# hint: The tokens are normed before the layers. The norm is the block's business: not this function's.
# edit: qkv_x(x), qkv_context(context) → qkv_x(F.layer_norm(x, x.shape[-1:])), qkv_context(F.layer_norm(context, context.shape[-1:]))

# %% [dit.joint_attention] the picture cut off
# hint: No gradient comes back to x: the blocks before would not learn from the picture.
# edit: qkv_x(x) → qkv_x(x.detach())

# %% [dit.joint_attention] the text cut off
# hint: No gradient comes back to the context: the text's layers would not learn.
# edit: qkv_context(context) → qkv_context(context.detach())

# %% [dit.joint_attention] the weights cut off
# hint: The weights are detached: queries and keys would not learn.
# edit: weights @ v → weights.detach() @ v

# %% [dit.joint_attention] no gradient
# hint: The answer is cut off from all it is made of.
# edit: out = (weights @ v) → out_x, out_context = (lambda y, f=f: f(y).detach() for f in (out_x, out_context)); out = (weights @ v)

# %% [dit.joint_attention] float32 always
# hint: The numbers change their precision on the way. Where you make a new tensor, take `x.new_zeros`, of
# hint: x's dtype.
# edit: weights @ v → weights.float() @ v.float()

# ---- dit.temporal_attention ------------------------------------------------------------------------------------------

# %% [dit.temporal_attention] over places
# hint: The places of a frame look at each other: this is attention over space. Which axis is to stand in the middle? (Or
# hint: the shape of x is read in another order: it is (b, f, n, d).)
# edit: x = x.transpose(1, 2).reshape(b * n, f, d) → x = x.reshape(b * f, n, d)
# edit: attend(x).reshape(b, n, f, d).transpose(1, 2) → attend(x).reshape(b, f, n, d)

# %% [dit.temporal_attention] over everything
# hint: All places of all frames look at each other: this is full attention, and its cost grows with the square of f·n.
# edit: x = x.transpose(1, 2).reshape(b * n, f, d) → x = x.reshape(b, f * n, d)
# edit: attend(x).reshape(b, n, f, d).transpose(1, 2) → attend(x).reshape(b, f, n, d)

# %% [dit.temporal_attention] over the samples
# hint: The samples look at each other. They never meet: each belongs into the batch, with its places.
# edit: x = x.transpose(1, 2).reshape(b * n, f, d) → x = x.reshape(b, f * n, d).transpose(0, 1)
# edit: attend(x).reshape(b, n, f, d).transpose(1, 2) → attend(x).transpose(0, 1).reshape(b, f, n, d)

# %% [dit.temporal_attention] the frames in front
# hint: attend got another axis in the middle than the frames: the first axis is its batch. (Some of torch's layers take the
# hint: sequence first; this one does not.)
# edit: x = x.transpose(1, 2).reshape(b * n, f, d) → x = x.permute(1, 0, 2, 3).reshape(f, b * n, d)
# edit: attend(x).reshape(b, n, f, d).transpose(1, 2) → attend(x).reshape(f, b, n, d).transpose(0, 1)

# %% [dit.temporal_attention] the frames at the end
# hint: attend got tokens of another length: the frames stand at the end, where d should.
# edit: x = x.transpose(1, 2).reshape(b * n, f, d) → x = x.permute(0, 2, 3, 1).reshape(b * n, d, f)

# %% [dit.temporal_attention] four axes
# hint: attend takes three axes, (batch, tokens, d): the samples and their places are one batch.
# edit: .reshape(b * n, f, d) →

# %% [dit.temporal_attention] a reshape for the transposition
# hint: The numbers are taken in the order in which they lie, frame by frame: what the shape calls the frames of a place
# hint: are neighbouring places. A reshape alone brings no axis forward.
# edit: x = x.transpose(1, 2).reshape(b * n, f, d) → x = x.reshape(b * n, f, d)

# %% [dit.temporal_attention] reshapes there and back
# hint: The numbers are taken in the order in which they lie, there and back: neighbouring places look at each other, and
# hint: no place at itself in other frames. A reshape alone brings no axis forward.
# edit: x = x.transpose(1, 2).reshape(b * n, f, d) → x = x.reshape(b * n, f, d)
# edit: attend(x).reshape(b, n, f, d).transpose(1, 2) → attend(x).reshape(b, f, n, d)

# %% [dit.temporal_attention] a reshape for the way back
# hint: The way there is right. On the way back the places still stand before the frames, and a reshape to (b, f, n, d)
# hint: takes the numbers in that order.
# edit: attend(x).reshape(b, n, f, d).transpose(1, 2) → attend(x).reshape(b, f, n, d)

# %% [dit.temporal_attention] not changed back
# hint: The answer has the places before the frames.
# edit: .reshape(b, n, f, d).transpose(1, 2) → .reshape(b, n, f, d)

# %% [dit.temporal_attention] not taken apart
# hint: The answer has the batch of attend. Samples and places are still to be taken apart.
# edit: .reshape(b, n, f, d).transpose(1, 2) →

# %% [dit.temporal_attention] the batch in the other order
# hint: Places and samples were joined with the places in front, and taken apart with the samples in front.
# edit: x = x.transpose(1, 2).reshape(b * n, f, d) → x = x.permute(2, 0, 1, 3).reshape(b * n, f, d)

# %% [dit.temporal_attention] the batch taken apart in the other order
# hint: Samples and places were joined with the samples in front, and taken apart with the places in front.
# edit: attend(x).reshape(b, n, f, d).transpose(1, 2) → attend(x).reshape(n, b, f, d).permute(1, 2, 0, 3)

# %% [dit.temporal_attention] transposed after it was joined
# hint: The frames come first by a reshape of two joined axes, so that frames and samples mix. Bring the axes into order
# hint: before any are joined.
# edit: x = x.transpose(1, 2).reshape(b * n, f, d) → x = x.reshape(f, b * n, d).transpose(0, 1)

# %% [dit.temporal_attention] transposed after it was joined, there and back
# hint: Frames and samples mix, there and back: they were joined by a reshape that takes the frames for the first axis.
# edit: x = x.transpose(1, 2).reshape(b * n, f, d) → x = x.reshape(f, b * n, d).transpose(0, 1)
# edit: attend(x).reshape(b, n, f, d).transpose(1, 2) → attend(x).transpose(0, 1).reshape(b, f, n, d)

# %% [dit.temporal_attention] whole frames as tokens
# hint: A token is a whole frame: its places look at each other too. Each place has its own sequence.
# edit: x = x.transpose(1, 2).reshape(b * n, f, d) → x = x.flatten(2).repeat(1, 1, 1)
# edit: attend(x).reshape(b, n, f, d).transpose(1, 2) → attend(x).reshape(b, f, n, d)

# %% [dit.temporal_attention] the mean of the places
# hint: The places are averaged before the attention. Each place has its own sequence.
# edit: x = x.transpose(1, 2).reshape(b * n, f, d) → x = x.mean(2, keepdim=True).expand(b, f, n, d).transpose(1, 2).reshape(b * n, f, d)

# %% [dit.temporal_attention] the mean of the places, one answer
# hint: The frames' means attend, and there is one answer for all places.
# edit: x = x.transpose(1, 2).reshape(b * n, f, d) → x = x.mean(2)
# edit: attend(x).reshape(b, n, f, d).transpose(1, 2) → attend(x)

# %% [dit.temporal_attention] the first place for all
# hint: The first place's frames attend, and all places get its answer.
# edit: x = x.transpose(1, 2).reshape(b * n, f, d) → x = x[:, :, :1].expand(b, f, n, d).transpose(1, 2).reshape(b * n, f, d)

# %% [dit.temporal_attention] the first sample for all
# hint: All samples get the first one's answer.
# edit: x = x.transpose(1, 2).reshape(b * n, f, d) → x = x[:1].expand(b, f, n, d).transpose(1, 2).reshape(b * n, f, d)

# %% [dit.temporal_attention] the places from the last to the first
# hint: The places come back from the last to the first.
# edit: .reshape(b, n, f, d).transpose(1, 2) → .reshape(b, n, f, d).transpose(1, 2).flip(2)

# %% [dit.temporal_attention] the frames from the last to the first
# hint: The frames come back in another order than they came.
# edit: .reshape(b, n, f, d).transpose(1, 2) → .reshape(b, n, f, d).transpose(1, 2).flip(1)

# %% [dit.temporal_attention] time runs backwards
# hint: attend gets the frames from the last to the first.
# edit: .reshape(b * n, f, d) → .reshape(b * n, f, d).flip(1)

# %% [dit.temporal_attention] time runs backwards, there and back
# hint: attend gets the frames from the last to the first, and its answer is turned back.
# edit: .reshape(b * n, f, d) → .reshape(b * n, f, d).flip(1)
# edit: attend(x). → attend(x).flip(1).

# %% [dit.temporal_attention] a residual
# hint: x is added to the answer. The sum is the block's business: not this function's.
# edit: b, f, n, d = x.shape → first = x; b, f, n, d = x.shape
# edit: return attend → return first + attend

# %% [dit.temporal_attention] the attention twice
# hint: attend is called twice, one after the other.
# edit: attend(x). → attend(attend(x)).

# %% [dit.temporal_attention] without the attention
# hint: The axes go there and back, and nothing attends in between.
# edit: attend(x). → x.

# %% [dit.temporal_attention] the sum over time
# hint: All frames get the same answer: the frames were averaged.
# edit: attend(x). → attend(x).mean(1, keepdim=True).expand(b * n, f, d).

# %% [dit.temporal_attention] frame by frame
# hint: Each frame attends alone: a sequence of one token. The frames of a place are one sequence.
# edit: x = x.transpose(1, 2).reshape(b * n, f, d) → x = x.transpose(1, 2).reshape(b * n * f, 1, d)

# %% [dit.temporal_attention] fewer frames
# hint: attend got fewer frames than there are. A frame looks at all frames of its place, the later ones too.
# edit: return attend(x). → return torch.stack([attend(x[:, :i + 1])[:, i] for i in range(f)], dim=1).

# %% [dit.temporal_attention] only the frames before
# hint: A frame looks at no later one. Here each looks at all frames of its place.
# edit: return attend(x). → return torch.stack([attend(x * (torch.arange(f) <= i).to(x)[:, None])[:, i] for i in range(f)], dim=1).

# %% [dit.temporal_attention] a view of what is not in order
# hint: After a transposition the numbers do not lie in the order of their axes, and `view` needs them so. What makes a new
# hint: tensor where it must?
# edit: x = x.transpose(1, 2).reshape( → x = x.transpose(1, 2).view(

# %% [dit.temporal_attention] three axes moved
# hint: `permute` wants each of the four axes once.
# edit: x.transpose(1, 2).reshape(b * n, f, d) → x.permute(0, 2, 1).reshape(b * n, f, d)

# %% [dit.temporal_attention] a shape that the numbers do not fill
# hint: A reshape is asked for more or fewer numbers than there are: samples and places make the batch together.
# edit: reshape(b * n, f, d) → reshape(b, f, d)

# %% [dit.temporal_attention] without a gradient
# hint: The answer is cut off from x, so that no block before would learn.
# edit: attend(x) → attend(x.detach())

# %% [dit.temporal_attention] float32 always
# hint: The numbers change their precision on the way. Where you make a new tensor, take `x.new_zeros`, of
# hint: x's dtype.
# edit: attend(x) → attend(x.float())

# %% [dit.temporal_attention] attend returned
# hint: What comes back is a function, or another thing than one tensor: call it on the tokens.
# edit: return attend(x).reshape(b, n, f, d).transpose(1, 2) → return attend

# %% [dit.temporal_attention] a list of places
# hint: The answers of the places come as a list; one tensor is wanted.
# edit: return attend(x).reshape(b, n, f, d).transpose(1, 2) → return [*attend(x).reshape(b, n, f, d).transpose(1, 2).unbind(2)]

# %% [dit.temporal_attention] nothing returned
# hint: Nothing comes back: a `return` is missing.
# edit: return attend → x = attend
