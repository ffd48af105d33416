"""Whose rows and columns are withheld in the tests of a host's rules?"""

from __future__ import annotations

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm


class Base(sa_orm.DeclarativeBase):
    pass


member_skill = sa.Table(
    "member_skill",
    Base.metadata,
    sa.Column("member_id", sa.ForeignKey("member.id"), primary_key=True),
    sa.Column("skill_id", sa.ForeignKey("skill.id"), primary_key=True),
)


class Team(Base):
    __tablename__ = "team"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String(40), unique=True)
    members = sa_orm.relationship("Member", back_populates="team", cascade="all, delete-orphan")


class Member(Base):
    __tablename__ = "member"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String(40), unique=True)
    salary = sa.Column(sa.String(40))
    photo = sa.Column(sa.LargeBinary)
    team_id = sa.Column(sa.ForeignKey("team.id"))
    team = sa_orm.relationship(Team, back_populates="members")
    skills = sa_orm.relationship("Skill", secondary=member_skill, back_populates="members")


class Skill(Base):
    __tablename__ = "skill"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String(40))
    members = sa_orm.relationship(Member, secondary=member_skill, back_populates="skills")


class Vault(Base):
    __tablename__ = "vault"
    id = sa.Column(sa.Integer, primary_key=True)
    content = sa.Column(sa.String(40))
    member_id = sa.Column(sa.ForeignKey("member.id"))
    member = sa_orm.relationship(Member)
