"""Makes what is given to those who run callrec: `bundle` an archive to install without a network, `deb` a
package of Debian. `lock` says which packages belong to the program, and `wheels` gets them. Wheel and sdist
alone are made by `python -m build` in the checkout. Nothing of this is in the wheel."""
